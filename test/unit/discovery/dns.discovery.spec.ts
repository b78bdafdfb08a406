import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { DnsDiscovery, dns, type DnsResolver } from '../../../lib/discovery/dns.discovery.js';
import { resolveDnsOptions, type DnsOptions } from '../../../lib/discovery/dns-options.js';
import { namesToAsk } from '../../../lib/discovery/dns-search.js';
import { SwarmConfigurationError } from '../../../lib/errors/index.js';
import { waitUntil } from '../../support/wait-until.js';

interface Service {
  readonly name: string;
  readonly port: number;
}
type Answer<T> = readonly T[] | string | Promise<never>;

/** Answers what it is told to: records, or the code of a failure. A name that it does not know does not exist. */
class FakeResolver implements DnsResolver {
  readonly asked: string[] = [];
  readonly a = new Map<string, Answer<string>>();
  readonly aaaa = new Map<string, Answer<string>>();
  readonly srv = new Map<string, Answer<Service>>();
  private cancelled: (() => void) | undefined;

  resolve4(name: string): Promise<readonly string[]> {
    return this.answer(name, this.a);
  }

  resolve6(name: string): Promise<readonly string[]> {
    return this.answer(name, this.aaaa);
  }

  resolveSrv(name: string): Promise<readonly Service[]> {
    return this.answer(name, this.srv);
  }

  getServers(): string[] {
    return ['10.0.0.2'];
  }

  cancel(): void {
    this.cancelled?.();
  }

  /** An answer that never comes, unless the question is cancelled. */
  silence(): Promise<never> {
    return new Promise((_, reject) => {
      this.cancelled = () => reject(failure('ECANCELLED'));
    });
  }

  private async answer<T>(name: string, zone: ReadonlyMap<string, Answer<T>>): Promise<readonly T[]> {
    this.asked.push(name);
    const answer = await (zone.get(name) ?? 'ENOTFOUND');
    if (typeof answer === 'string') throw failure(answer);
    return answer;
  }
}

function failure(code: string): Error {
  return Object.assign(new Error(`query ${code}`), { code });
}

let resolver: FakeResolver;
let made: number;

beforeEach(() => {
  resolver = new FakeResolver();
  made = 0;
});

function discovery(options: DnsOptions, names: readonly string[] = [options.name]): DnsDiscovery {
  return new DnsDiscovery(resolveDnsOptions(options), {
    resolver() {
      made += 1;
      return resolver;
    },
    names: () => Promise.resolve(names),
  });
}

describe('dns', () => {
  it('takes every A record as a node on the port', async () => {
    resolver.a.set('api.shop.svc', ['10.0.0.6', '10.0.0.7', '10.0.0.6']);
    expect(await discovery({ name: 'api.shop.svc', port: 7000 }).candidates()).toEqual([
      { host: '10.0.0.6', port: 7000 },
      { host: '10.0.0.7', port: 7000 },
    ]);
    expect((await discovery({ name: 'api.shop.svc' }).candidates())[0]?.port).toBe(7946);
  });

  it('takes every AAAA record as a node on the port', async () => {
    resolver.aaaa.set('api.shop.svc', ['fd00::6']);
    expect(await discovery({ name: 'api.shop.svc', type: 'AAAA' }).candidates()).toEqual([
      { host: 'fd00::6', port: 7946 },
    ]);
  });

  it('takes names and ports from SRV records, but not from those that stand for nothing or hold no name', async () => {
    resolver.srv.set('_swarm._tcp.api', [
      { name: 'api-0.api.shop.svc', port: 7000 },
      { name: 'api-1.api.shop.svc.', port: 7001 },
      { name: '.', port: 7000 },
      { name: '', port: 7000 },
      { name: 'api-2.api.shop.svc', port: 0 },
      { name: 'api-3\n[Nest] 1 - LOG all is well', port: 7000 },
    ]);
    expect(await discovery({ name: '_swarm._tcp.api', type: 'SRV' }).candidates()).toEqual([
      { host: 'api-0.api.shop.svc', port: 7000 },
      { host: 'api-1.api.shop.svc', port: 7001 },
    ]);
  });

  it.each(['ENOTFOUND', 'ENODATA'])('finds nobody where there are no records yet: %s', async (code) => {
    resolver.a.set('api', code);
    expect(await discovery({ name: 'api' }).candidates()).toEqual([]);
  });

  it('takes 1,024 candidates at most', async () => {
    const many = Array.from({ length: 2_000 }, (_, index) => `10.0.${index >> 8}.${index & 255}`);
    resolver.a.set('api', many);
    const candidates = await discovery({ name: 'api' }).candidates();
    expect(candidates.map(({ host }) => host)).toEqual(many.slice(0, 1_024));
  });

  it('is named by what it asks for', () => {
    expect(discovery({ name: 'api-headless.shop.svc' }).name).toBe('dns(api-headless.shop.svc A)');
    expect(dns({ name: '_swarm._tcp.api', type: 'SRV' }).name).toBe('dns(_swarm._tcp.api SRV)');
  });

  it.each([
    ['ESERVFAIL', 'SERVFAIL'],
    ['EREFUSED', 'REFUSED'],
    ['ETIMEOUT', 'no server answered in time'],
    ['ECONNREFUSED', 'nobody listens'],
    ['EBADRESP', 'query EBADRESP'],
  ])('fails with the server and the reason: %s', async (code, reason) => {
    resolver.a.set('api', code);
    const failing = discovery({ name: 'api' }).candidates();
    await expect(failing).rejects.toThrow(reason);
    await expect(failing).rejects.toThrow(
      /^dns\(api A\): no answer for the A records of api: .* DNS settings \(10\.0\.0\.2\)$/,
    );
    await expect(failing).rejects.toMatchObject({ cause: { code } });
  });

  it('names the option where it names the servers', async () => {
    resolver.a.set('api', 'ESERVFAIL');
    await expect(discovery({ name: 'api', servers: ['10.0.0.2'] }).candidates()).rejects.toThrow(
      'the option "servers"',
    );
  });

  it('asks a server that is silent once, however often it is asked itself', async () => {
    resolver.a.set('api', resolver.silence());
    const provider = discovery({ name: 'api' });
    const both = Promise.all([provider.candidates(), provider.candidates()]);
    await waitUntil(() => resolver.asked.length > 0, 'the server is asked');
    await provider.stop();
    expect(await both).toEqual([[], []]);
    expect(resolver.asked).toEqual(['api']);
  });

  it('asks no more when it was stopped, and again when it was started again', async () => {
    resolver.a.set('api', ['10.0.0.6']);
    const provider = discovery({ name: 'api' });
    await provider.stop();
    expect(await provider.candidates()).toEqual([]);
    await provider.start();
    expect(await provider.candidates()).toHaveLength(1);
  });

  it('keeps its resolver while it is answered, and reads the settings anew when it is not', async () => {
    const provider = discovery({ name: 'api' });
    await provider.candidates();
    resolver.a.set('api', 'ESERVFAIL');
    await expect(provider.candidates()).rejects.toThrow('SERVFAIL');
    expect(made).toBe(1);
    resolver.a.set('api', 'ETIMEOUT');
    await expect(provider.candidates()).rejects.toThrow('in time');
    resolver.a.set('api', ['10.0.0.6']);
    expect(await provider.candidates()).toHaveLength(1);
    expect(made).toBe(2);
  });

  describe('a name with several forms', () => {
    const names = ['api.shop.svc.local', 'api.svc.local', 'api'];

    it('is found by the first that has records', async () => {
      resolver.a.set('api.shop.svc.local', 'ENODATA');
      resolver.a.set('api.svc.local', ['10.0.0.6']);
      resolver.a.set('api', ['10.9.9.9']);
      expect(await discovery({ name: 'api' }, names).candidates()).toEqual([
        { host: '10.0.0.6', port: 7946 },
      ]);
      expect(resolver.asked).toEqual(names.slice(0, 2));
    });

    it('is found by one although the server does not answer for another', async () => {
      resolver.a.set('api.shop.svc.local', 'ESERVFAIL');
      resolver.a.set('api.svc.local', 'EREFUSED');
      resolver.a.set('api', ['10.0.0.6']);
      expect(await discovery({ name: 'api' }, names).candidates()).toHaveLength(1);
    });

    it('fails if none is found and the server did not answer for one', async () => {
      resolver.a.set('api.svc.local', 'ESERVFAIL');
      await expect(discovery({ name: 'api' }, names).candidates()).rejects.toThrow(
        'the A records of api.svc.local: the server failed',
      );
      expect(resolver.asked).toEqual(names);
    });

    it('is not waited for again and again from a server that is silent', async () => {
      resolver.a.set('api.shop.svc.local', 'ETIMEOUT');
      await expect(discovery({ name: 'api' }, names).candidates()).rejects.toThrow('in time');
      expect(resolver.asked).toEqual(names.slice(0, 1));
    });
  });
});

describe('the options of dns', () => {
  it.each<[unknown, string]>([
    [undefined, "dns: must be given options, as dns({ name: 'api-headless.shop.svc' }), not undefined"],
    ['api', 'not "api"'],
    [{}, 'name must be a name in DNS without a port, as "api-headless.shop.svc", not undefined'],
    [{ name: '' }, 'not ""'],
    [{ name: 'api:7946' }, 'not "api:7946"'],
    [{ name: 'a..b' }, 'not "a..b"'],
    [{ name: `${'a'.repeat(64)}.svc` }, 'name must be'],
    [{ name: '10.0.0.6' }, "write staticPeers(['10.0.0.6'])"],
    [{ name: '::1' }, "write staticPeers(['::1'])"],
    [{ name: 'api', type: 'CNAME' }, `type must be 'A', 'AAAA' or 'SRV', not "CNAME"`],
    [{ name: 'api', type: 'a' }, 'type must be'],
    [{ name: 'api', port: 0 }, 'port must be a whole number from 1 to 65535, not 0'],
    [{ name: 'api', port: 65_536 }, 'not 65536'],
    [{ name: 'api', port: 1.5 }, 'not 1.5'],
    [{ name: 'api', port: '7946' }, 'not "7946"'],
    [{ name: '_s._tcp.api', type: 'SRV', port: 7946 }, "port must be left out with type 'SRV'"],
    [{ name: 'api', servers: '10.0.0.2' }, 'not "10.0.0.2"'],
    [{ name: 'api', servers: [] }, 'leave it out to ask those of the machine'],
    [{ name: 'api', servers: Array.from({ length: 17 }, () => '10.0.0.2') }, '16 at most, not 17'],
    [{ name: 'api', servers: ['10.0.0.2', 'dns.corp', 7, '10.0.0.2:0'] }, 'not "dns.corp", 7, "10.0.0.2:0"'],
    [{ name: 'api', host: 'x' }, '"host" is no option; write name, type, port or servers'],
  ])('refuses %j', (options, message) => {
    expect(() => dns(options as DnsOptions)).toThrow(SwarmConfigurationError);
    expect(() => dns(options as DnsOptions)).toThrow(message);
  });

  it('are refused with all faults at once', () => {
    const options = { name: '', type: 'X', port: -1, servers: [], else: 1 } as unknown as DnsOptions;
    let error: unknown;
    try {
      dns(options);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(SwarmConfigurationError);
    expect((error as SwarmConfigurationError).faults).toHaveLength(5);
  });

  it.each<DnsOptions>([
    { name: 'api-headless.shop.svc.cluster.local.' },
    { name: '_swarm._tcp.my_service', type: 'SRV' },
    { name: 'api', type: 'AAAA', port: 65_535, servers: ['::1', '[::1]:53', '10.0.0.2', '10.0.0.2:5353'] },
  ])('may be %j', (options) => {
    expect(() => dns(options)).not.toThrow();
  });
});

describe('the forms of a name', () => {
  let folder: string;
  let path: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'swarm-dns-'));
    path = join(folder, 'resolv.conf');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('are those of a pod in Kubernetes, where few dots are no complete name', async () => {
    writeFileSync(
      path,
      'search shop.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n',
    );
    expect(await namesToAsk('api-headless.shop.svc', path)).toEqual([
      'api-headless.shop.svc.shop.svc.cluster.local',
      'api-headless.shop.svc.svc.cluster.local',
      'api-headless.shop.svc.cluster.local',
      'api-headless.shop.svc',
    ]);
    expect(await namesToAsk('a.b.c.d.e.f', path)).toHaveLength(4);
    expect((await namesToAsk('a.b.c.d.e.f', path))[0]).toBe('a.b.c.d.e.f');
    expect(await namesToAsk('api-headless.shop.svc.', path)).toEqual(['api-headless.shop.svc.']);
  });

  it('begin with the name itself where nothing else is said, and it has a dot', async () => {
    writeFileSync(path, '# the office\n  search\tcorp.example.\n');
    expect(await namesToAsk('api.shop', path)).toEqual(['api.shop', 'api.shop.corp.example']);
    expect(await namesToAsk('api', path)).toEqual(['api.corp.example', 'api']);
  });

  it('follow the last line that says so', async () => {
    writeFileSync(path, 'domain first.example\nsearch second.example .\noptions ndots:0 rotate\n');
    expect(await namesToAsk('api', path)).toEqual(['api', 'api.second.example']);
  });

  it('are bounded', async () => {
    writeFileSync(path, `search ${Array.from({ length: 100 }, (_, index) => `d${index}`).join(' ')}\n`);
    expect(await namesToAsk('api', path)).toHaveLength(33);
  });

  it('are one where there are no settings', async () => {
    expect(await namesToAsk('api', path)).toEqual(['api']);
  });

  it('are not guessed from settings that cannot be read', async () => {
    await expect(namesToAsk('api', folder)).rejects.toThrow('EISDIR');
  });
});
