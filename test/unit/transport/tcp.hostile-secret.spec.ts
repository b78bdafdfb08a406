import { Module, type LoggerService } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MessagePattern } from '@nestjs/microservices';
import { inspect } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';

import {
  staticPeers,
  SwarmCluster,
  SwarmConfigurationError,
  SwarmModule,
  SwarmRegistry,
  SwarmWorker,
  type SwarmModuleOptions,
} from '../../../lib/index.js';
import { waitUntil } from '../../support/wait-until.js';

/** Easily recognised, also where only a part of it is shown. */
const SECRETS = ['first-swordfish-d41d8cd98f00b204', 'second-swordfish-e9800998ecf8427e'];
const FOREIGN = 'foreign-swordfish-a87ff679a2f3e71d';

@SwarmWorker()
class Echo {
  @MessagePattern('echo')
  echo(): string {
    return 'here';
  }
}

/** Keeps what is printed at any level, as a console would show it. */
class EveryLine implements LoggerService {
  readonly lines: string[] = [];
  readonly error = this.writer('error');
  readonly warn = this.writer('warn');
  readonly log = this.writer('log');
  readonly debug = this.writer('debug');
  readonly verbose = this.writer('verbose');
  readonly fatal = this.writer('fatal');

  private writer(level: string) {
    return (...message: unknown[]): void =>
      void this.lines.push(`${level} ${inspect(message, { depth: 10 })}`);
  }
}

const logger = new EveryLine();
const apps: Array<{ close(): Promise<void> }> = [];
afterEach(() => Promise.all(apps.splice(0).map((app) => app.close())));

async function boot(options: SwarmModuleOptions) {
  class AppModule {}
  Module({ imports: [SwarmModule.forRoot({ cluster: 'shop', debug: true, ...options })], providers: [Echo] })(
    AppModule,
  );
  const app = await NestFactory.createApplicationContext(AppModule, { logger, abortOnError: false });
  apps.push(app);
  const [cluster, registry] = [app.get(SwarmCluster), app.get(SwarmRegistry)];
  return { cluster, registry, address: `127.0.0.1:${cluster.self.port}` };
}

describe('a secret', () => {
  it('is in no line at any level, in no inspect() and in no error', async () => {
    const a = await boot({ secret: SECRETS, node: { name: 'a' }, discovery: [] });
    const discovery = [staticPeers([a.address])];
    const b = await boot({ secret: SECRETS.toReversed(), node: { name: 'b' }, discovery });
    await a.cluster.ready({ nodes: 2 });
    await b.registry.register('one', Echo);
    expect(await a.registry.call('one', 'echo')).toBe('here');

    // Who has another secret, or none, is told so, and tells.
    const foreign = await boot({ secret: FOREIGN, node: { name: 'c' }, discovery });
    const open = await boot({ node: { name: 'd' }, discovery });
    const strangers = (): number => a.cluster.inspect().transport.counters['handshake-stranger'] ?? 0;
    await waitUntil(() => strangers() >= 2, 'both are strangers');
    const refused: unknown = await boot({ secret: [FOREIGN, ''], discovery: [] }).catch(
      (error: unknown) => error,
    );
    expect(refused).toBeInstanceOf(SwarmConfigurationError);

    const nodes = [a, b, foreign, open];
    const shown = nodes.map(
      ({ cluster }) => JSON.stringify(cluster.inspect()) + inspect(cluster.nodes(), { depth: 10 }),
    );
    const explained = JSON.stringify(a.cluster.explain('one'));
    await Promise.all(apps.splice(0).map((app) => app.close()));
    const all = [
      ...logger.lines,
      ...shown,
      explained,
      inspect(refused, { depth: 10, showHidden: true }),
    ].join('\n');
    // Of all of them at least something was printed.
    for (const level of ['debug', 'log', 'warn'])
      expect(
        logger.lines.filter((line) => line.startsWith(level)),
        level,
      ).not.toEqual([]);
    expect(all).toContain('give all nodes of this swarm the same secret');
    expect(all).not.toMatch(/swordfish/);
    for (const secret of [...SECRETS, FOREIGN]) {
      for (const encoding of ['hex', 'base64', 'base64url'] as const)
        expect(all).not.toContain(Buffer.from(secret).toString(encoding));
    }
  });
});
