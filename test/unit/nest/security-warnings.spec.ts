import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { afterAll, afterEach, describe, expect, it } from 'vitest';

import { SwarmModule, type SwarmModuleOptions } from '../../../lib/index.js';
import { Authority } from '../../support/certificates.js';
import { QuietLogger } from '../../support/quiet.logger.js';

const SECRET = 'a secret of more than sixteen characters';
const SHORT = 'fifteen letters';
const OPEN = { host: '127.0.0.1', listen: '0.0.0.0' };
const UNSIGNED =
  /links are not encrypted, and their frames are not signed after the secret was proved: .*; set tls/;

const authority = new Authority('ours');
const tls = { ...authority.issue('IP:127.0.0.1'), ca: authority.cert };
const apps: Array<{ close(): Promise<void> }> = [];
afterEach(() => Promise.all(apps.splice(0).map((app) => app.close())));
afterAll(() => authority.remove());

/** What is warned of while an application with these options boots. */
async function warnings(options: SwarmModuleOptions): Promise<string[]> {
  class AppModule {}
  Module({ imports: [SwarmModule.forRoot({ cluster: 'shop', discovery: [], ...options })] })(AppModule);
  const logger = new QuietLogger();
  apps.push(await NestFactory.createApplicationContext(AppModule, { logger, abortOnError: false }));
  return logger.lines.filter((line) => line.includes('WARN'));
}

describe('at boot', () => {
  it('a secret without TLS is warned of where others reach the node', async () => {
    expect(await warnings({ node: OPEN, secret: SECRET })).toEqual([expect.stringMatching(UNSIGNED)]);
    expect(await warnings({ node: OPEN, secret: SECRET, tls })).toEqual([]);
    expect(await warnings({ secret: SECRET })).toEqual([]);
    expect(await warnings({})).toEqual([]);
  });

  it('a secret that may be guessed is warned of, also one that is only accepted, and not shown', async () => {
    for (const secret of [SHORT, [SECRET, SHORT]]) {
      const [warning, ...others] = await warnings({ secret });
      expect(others).toEqual([]);
      expect(warning).toContain(
        'fewer than 16 characters and may be guessed; take what `openssl rand -base64 32`',
      );
      expect(warning).not.toContain(SHORT);
    }
  });
});
