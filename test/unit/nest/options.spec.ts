import { afterEach, describe, expect, it, vi } from 'vitest';
import { IgnoreList } from '../../../lib/cluster/ignore-list.js';
import { localMachine, ring, type SwarmModuleOptions } from '../../../lib/index.js';
import { resolveOptions } from '../../../lib/swarm-options.resolution.js';
import { SWARM_PARTS } from '../../../lib/swarm-parts.js';

const faultsOf = (options: unknown): readonly string[] =>
  resolveOptions(options as SwarmModuleOptions).faults;

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('defaults', () => {
  it('are those that are documented', () => {
    const { resolved, faults } = resolveOptions({});
    expect(faults).toEqual([]);
    expect(resolved).toMatchObject({
      kernel: {
        cluster: 'nestjs-swarm',
        node: { host: '127.0.0.1', weight: 1, labels: {}, hosting: true },
        heartbeatMs: 1000,
        suspectAfterMs: 3000,
        pollMs: 500,
        coalesceMs: 100,
        aloneAfterMs: 1000,
        joinTimeoutMs: 5000,
        acks: 1,
        callTimeoutMs: 5000,
        registerTimeoutMs: 10_000,
        readyTimeoutMs: 30_000,
        settledTimeoutMs: 30_000,
        leaseMs: 3000,
        handoff: { timeoutMs: 5000, concurrency: 64, forwardMs: 10_000 },
        drain: { timeoutMs: 25_000 },
        debug: false,
        maxPayloadBytes: 67_108_864,
        maxArgsBytes: 65_536,
      },
      listen: '127.0.0.1',
      port: 0,
      mailboxLimit: 10_000,
      inheritAppConfig: false,
    });
    expect(resolved!.kernel.ignoreList).toEqual(new IgnoreList());
    expect(resolved!.kernel.node.name).toMatch(new RegExp(`^[^@\\s]+-${process.pid}$`));
    expect(resolved!.kernel.strategy.place([{ id: 'a', weight: 1, labels: {} }]).nodeFor('x')).toBe('a');
  });

  it('search the machine, but not when NODE_ENV is test', () => {
    vi.stubEnv('NODE_ENV', 'test');
    expect(resolveOptions({}).resolved!.discovery).toEqual([]);
    expect(resolveOptions({ discovery: [localMachine()] }).resolved!.discovery).toHaveLength(1);
    vi.stubEnv('NODE_ENV', 'production');
    expect(resolveOptions({}).resolved!.discovery.map(({ name }) => name)).toEqual([localMachine().name]);
  });

  it('give way to what is written; undefined is not written', () => {
    const { resolved } = resolveOptions({
      cluster: 'shop',
      node: {
        name: 'a',
        host: 'localhost',
        listen: '127.0.0.1',
        port: 7946,
        weight: 2,
        labels: { zone: 'a' },
        hosting: false,
      },
      acks: 0,
      coalesceMs: 0,
      leaseMs: 1001,
      settledTimeoutMs: 200,
      handoff: { concurrency: 1, timeoutMs: undefined as never, forwardMs: 0 },
      drain: {},
      debug: undefined as never,
    });
    expect(resolved).toMatchObject({ listen: '127.0.0.1', port: 7946 });
    expect(resolved!.kernel).toMatchObject({
      cluster: 'shop',
      acks: 0,
      coalesceMs: 0,
      leaseMs: 1001,
      settledTimeoutMs: 200,
      handoff: { concurrency: 1, timeoutMs: 5000, forwardMs: 0 },
      drain: { timeoutMs: 25_000 },
      debug: false,
    });
    expect(resolveOptions({ debug: true }).resolved!.kernel.debug).toBe(true);
    expect(resolveOptions({ drain: { timeoutMs: 1 } }).resolved!.kernel.drain).toEqual({ timeoutMs: 1 });
    expect(resolved!.kernel.node).toEqual({
      name: 'a',
      host: 'localhost',
      weight: 2,
      labels: { zone: 'a' },
      hosting: false,
    });
    expect(resolveOptions({ node: { host: '::1' } }).resolved!.listen).toBe('::1');
    for (const host of ['fe80::1%eth0', '::ffff:10.0.0.5'])
      expect(resolveOptions({ node: { host }, secret: 's' }).resolved!.listen).toBe(host);
  });

  it.each<[string, SwarmModuleOptions, string[]]>([
    ['no list', {}, ['api-1', 'db-1']],
    ['a blacklist instead of the default', { nodeBlacklist: ['db-1'] }, ['api-1', 'remsh-1']],
    ['an empty blacklist', { nodeBlacklist: [] }, ['api-1', 'db-1', 'remsh-1']],
    ['a whitelist', { nodeWhitelist: [/^db/] }, ['db-1']],
    ['a whitelist, and the default dropped', { nodeWhitelist: [/^db/], nodeBlacklist: [] }, ['db-1']],
  ])('%s says which nodes may host', (_title, options, hosting) => {
    const { ignoreList } = resolveOptions(options).resolved!.kernel;
    const names = ['api-1', 'db-1', 'remsh-1'];
    const left = names.filter((name) => !ignoreList.reasonFor({ id: `${name}@127.0.0.1:7946`, name }));
    expect(left).toEqual(hosting);
  });
});

describe('faults', () => {
  it.each<[string, unknown, string]>([
    ['no object', 7, 'the options must be an object, not 7'],
    ['null', null, 'the options must be an object, not null'],
    ['node is no object', { node: 'a' }, 'node must be an object'],
    ['cluster', { cluster: '' }, 'cluster must not be empty'],
    ['cluster null', { cluster: null }, 'cluster must be a string, not null'],
    ['node name', { node: { name: 'a@b' } }, 'node.name must not hold "@" or spaces'],
    ['0.0.0.0', { node: { host: '0.0.0.0' } }, 'node.host is what other nodes dial'],
    ['other host', { node: { host: '10.0.0.5' } }, 'secret is needed because others reach 10.0.0.5'],
    [
      'a name that begins as loopback',
      { node: { host: '127.evil.example' } },
      'secret is needed because others reach 127.evil.example',
    ],
    ['listen', { node: { listen: '0.0.0.0' } }, 'secret is needed because others reach 0.0.0.0'],
    ['host with a port', { node: { host: 'api-1:7946' } }, 'node.host must be an address or a host name'],
    [
      'listen with a port',
      { node: { listen: '0.0.0.0:7946' } },
      'node.listen must be an address or a host name',
    ],
    ['host with an id', { node: { host: 'api-1:7946@x' } }, 'node.host must be an address or a host name'],
    ['no secret', { secret: '' }, 'secret must be a string that is not empty, or an array of such'],
    ['no secrets', { secret: [] }, 'secret must be a string that is not empty'],
    ['a number for a secret', { secret: ['x', 17_171_717] }, 'secret must be a string that is not empty'],
    ['tls', { tls: true }, 'tls must be options of node:tls, as { key, cert, ca }, not true'],
    ['tls without a key', { tls: { ca: 'x' } }, 'tls needs a key and a cert'],
    ['tls that is no PEM', { tls: { key: 'x', cert: 'y' } }, 'tls is not usable'],
    ['port', { node: { port: 65_536 } }, 'node.port must be a whole number from 0 to 65535, not 65536'],
    ['port text', { node: { port: '1' } }, 'node.port must be a whole number'],
    ['weight', { node: { weight: 0 } }, 'node.weight must be a positive number up to 100, not 0'],
    ['much weight', { node: { weight: 1e6 } }, 'node.weight must be a positive number up to 100'],
    ['hosting', { node: { hosting: 'no' } }, 'node.hosting must be true or false, not "no"'],
    ['labels', { node: { labels: { zone: 1 } } }, 'node.labels must be an object of strings'],
    ['discovery', { discovery: 'dns' }, 'discovery must be an array of discovery providers'],
    ['discovery item', { discovery: [localMachine] }, 'discovery must be an array of discovery providers'],
    [
      'strategy',
      { strategy: ring },
      'strategy must be a distribution strategy, as ring(), not the function ring',
    ],
    [
      'strategy with half a quorum',
      { strategy: { quorum: 0.5, place: () => ({ nodeFor: () => undefined }) } },
      'strategy must have a quorum that is a positive integer, or none, not 0.5',
    ],
    [
      'whitelist',
      { nodeWhitelist: /^api/ },
      'nodeWhitelist must be an array of strings and RegExps, as [/^api-/], not /^api/',
    ],
    ['whitelist text', { nodeWhitelist: 'api-1' }, 'nodeWhitelist must be an array of strings and RegExps'],
    [
      'empty whitelist',
      { nodeWhitelist: [] },
      'nodeWhitelist must not be empty, which would ignore every node: write those that may host workers, as [/^api-/], or leave it out',
    ],
    [
      'whitelist entries',
      { nodeWhitelist: ['api-1', 7, '', /^b/, null] },
      "as [/^api-/]: entry 1 is 7, entry 2 is an empty string, which is no node's name, entry 4 is null",
    ],
    ['blacklist', { nodeBlacklist: null }, 'nodeBlacklist must be an array of strings and RegExps'],
    [
      'blacklist entries',
      { nodeBlacklist: [undefined] },
      "nodeBlacklist must hold names or ids of nodes as strings, and RegExps, as [/^batch-/, 'api-1']: entry 0 is undefined",
    ],
    ['a hole in a blacklist', { nodeBlacklist: Array.from({ length: 1 }) }, 'entry 0 is undefined'],
    [
      'both lists',
      { nodeWhitelist: ['api-1'], nodeBlacklist: ['db-1'] },
      'nodeBlacklist is not looked at beside nodeWhitelist, which decides alone: leave out one of them',
    ],
    [
      'handoff is no object',
      { handoff: 5000 },
      'handoff must be an object, as { timeoutMs: 5000 }, not 5000',
    ],
    ['handoff time', { handoff: { timeoutMs: 0 } }, 'handoff.timeoutMs must be a whole number of millisec'],
    ['handoff time to forward', { handoff: { forwardMs: -1 } }, 'handoff.forwardMs must be a whole number'],
    [
      'handoff concurrency',
      { handoff: { concurrency: 0 } },
      'handoff.concurrency must be a whole number from 1',
    ],
    ['drain is no object', { drain: null }, 'drain must be an object, as { timeoutMs: 25000 }, not null'],
    ['drain time', { drain: { timeoutMs: '25s' } }, 'drain.timeoutMs must be a whole number of milliseconds'],
    ['lease', { leaseMs: 0 }, 'leaseMs must be a whole number of milliseconds from 1'],
    ['time to settle', { settledTimeoutMs: 1.5 }, 'settledTimeoutMs must be a whole number of milliseconds'],
    ['time', { heartbeatMs: 0 }, 'heartbeatMs must be a whole number of milliseconds from 1'],
    ['time text', { callTimeoutMs: '5s' }, 'callTimeoutMs must be a whole number of milliseconds'],
    [
      'endless',
      { callTimeoutMs: Number.POSITIVE_INFINITY },
      'callTimeoutMs must be a whole number of milliseconds',
    ],
    ['acks', { acks: -1 }, 'acks must be a whole number from 0'],
    ['mailbox', { mailboxLimit: 0 }, 'mailboxLimit must be a whole number from 1'],
    ['bytes', { maxPayloadBytes: 2 ** 40 }, 'maxPayloadBytes must be a whole number of bytes'],
    ['flag', { debug: 1 }, 'debug must be true or false, not 1'],
    [
      'order of times',
      { heartbeatMs: 3000, leaseMs: 4000 },
      'suspectAfterMs (3000) must be more than heartbeatMs (3000)',
    ],
    [
      'lease between two pings',
      { leaseMs: 1000 },
      'leaseMs (1000) must be more than heartbeatMs (1000), or leases run out between two pings',
    ],
    [
      'order of sizes',
      { maxPayloadBytes: 10 },
      'maxArgsBytes (65536) must not be more than maxPayloadBytes (10)',
    ],
    ['unknown', { hartbeatMs: 1 }, 'hartbeatMs is no option; did you mean heartbeatMs?'],
    ['unknown case', { Cluster: 'a' }, 'Cluster is no option; did you mean cluster?'],
    ['unknown in node', { node: { hots: 'a' } }, 'node.hots is no option; did you mean node.host?'],
    [
      'unknown in handoff',
      { handoff: { timeout: 1 } },
      'handoff.timeout is no option; did you mean handoff.timeoutMs?',
    ],
    ['unknown in drain', { drain: { forwardMs: 1 } }, 'drain.forwardMs is no option'],
    ['unknown group', { handof: {} }, 'handof is no option; did you mean handoff?'],
    ['inherited', { constructor: 1 }, 'constructor is no option'],
  ])('%s', (_title, options, fault) => {
    const faults = faultsOf(options);
    expect(faults).toHaveLength(1);
    expect(faults[0]).toContain(fault);
  });

  it('come all at once', () => {
    expect(faultsOf({ a: 1, cluster: 7, node: { port: -1, x: 1 }, heartbeatMs: 0 })).toHaveLength(5);
    expect(faultsOf({ a: 1, nodeWhitelist: [], nodeBlacklist: ['b', 7], heartbeatMs: 0 })).toHaveLength(5);
    expect(faultsOf({ heartbeatMs: 3000 })).toHaveLength(2);
  });

  it('do not come from the parts of tests, which survive a spread', () => {
    const options = { ...({ [SWARM_PARTS]: {} } as SwarmModuleOptions), cluster: 'a' };
    expect(faultsOf(options)).toEqual([]);
  });
});
