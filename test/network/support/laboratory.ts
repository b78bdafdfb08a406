// Networks of their own for test processes, which can really be cut: a namespace per node, joined by bridges in one more
// namespace, so that nothing of it is seen in the machine's own network, and two laboratories never meet.
import { spawnSync } from 'node:child_process';
import { ip, namespaces, removeAll, run } from './namespaces.js';

/** And then the id of the process that has made it, so that others know what is left behind. */
const PREFIX = 'nsw-';
/**
 * Every laboratory has the whole network for itself. Links are not authenticated yet, and a node that listens elsewhere
 * than on loopback addresses is refused: here these are the addresses of interfaces that can be cut.
 */
const SUBNET = '127.77.0';
const ROUTE_LOOPBACK = '/proc/sys/net/ipv4/conf/all/route_localnet';

let opened = 0;

/** Why networks cannot be made and cut here; `undefined` if they can. It makes one and cuts it. */
export async function whyNoLaboratory(): Promise<string | undefined> {
  if (process.platform !== 'linux')
    return `network namespaces are a thing of Linux, not of ${process.platform}`;
  if (process.getuid?.() !== 0) return 'network namespaces need root';
  for (const tool of ['ip', 'nft']) {
    if (spawnSync(tool, ['-V'], { stdio: 'ignore' }).error)
      return `${tool} is not installed (Debian: iproute2, nftables)`;
  }
  try {
    const laboratory = await Laboratory.open(2);
    try {
      await laboratory.partition([0], [1]);
      await laboratory.block(0, 1);
      await laboratory.heal();
    } finally {
      await laboratory.close();
    }
    return undefined;
  } catch (error) {
    return `network namespaces are not allowed here: ${(error as Error).message}`;
  }
}

/** Removes what test runs have left behind that were killed: their processes, stopped ones too, and their networks. */
export async function clearLeftovers(): Promise<void> {
  const left = (await namespaces()).filter((name) => {
    const pid = Number(/^nsw-(\d+)-/.exec(name)?.[1]);
    return pid > 0 && pid !== process.pid && !isAlive(pid);
  });
  await removeAll(left);
}

/** Nodes on one bridge, until somebody cuts them apart. Nodes are told by number, from 0 on. */
export class Laboratory {
  private readonly blocked = new Set<number>();

  private constructor(
    private readonly hub: string,
    readonly size: number,
  ) {}

  static async open(size: number): Promise<Laboratory> {
    const laboratory = new Laboratory(`${PREFIX}${process.pid}-${++opened}`, size);
    try {
      await laboratory.build();
    } catch (error) {
      await laboratory.close();
      throw error;
    }
    return laboratory;
  }

  address(node: number): string {
    return `${SUBNET}.${node + 1}`;
  }

  /** What a command line begins with that runs in the namespace of a node. */
  launcher(node: number): readonly [command: string, ...args: string[]] {
    return ['ip', 'netns', 'exec', this.namespace(node)];
  }

  /** Nodes of different sides reach each other no more: packets vanish, and nobody is told. Who is not named is alone. */
  async partition(...sides: ReadonlyArray<readonly number[]>): Promise<void> {
    const others = this.all.filter((node) => !sides.some((side) => side.includes(node)));
    const moves = [...sides, ...others.map((node) => [node])].flatMap((nodes, side) =>
      nodes.map((node) => `link set v${node} master br${side}`),
    );
    await ip(moves, this.hub);
  }

  /** Nothing that comes from one node is let in by the other, until `heal`. */
  async block(from: number, to: number): Promise<void> {
    this.blocked.add(to);
    await this.nft(to, [
      'add table inet cut',
      'add chain inet cut in { type filter hook input priority 0; }',
      `add rule inet cut in ip saddr ${this.address(from)} drop`,
    ]);
  }

  /** Two nodes do not reach each other; others reach both. */
  async separate(one: number, other: number): Promise<void> {
    await Promise.all([this.block(one, other), this.block(other, one)]);
  }

  /** Everything passes again. */
  async heal(): Promise<void> {
    const healed = [...this.blocked];
    this.blocked.clear();
    await Promise.all([
      ip(
        this.all.map((node) => `link set v${node} master br0`),
        this.hub,
      ),
      ...healed.map((node) => this.nft(node, ['delete table inet cut'])),
    ]);
  }

  /** Ends what still runs in the networks, and removes them. */
  async close(): Promise<void> {
    const own = new Set([this.hub, ...this.all.map((node) => this.namespace(node))]);
    await removeAll((await namespaces()).filter((name) => own.has(name)));
  }

  private get all(): number[] {
    return Array.from({ length: this.size }, (_, node) => node);
  }

  private async build(): Promise<void> {
    const { hub, all } = this;
    await ip([
      `netns add ${hub}`,
      ...all.map((node) => `netns add ${this.namespace(node)}`),
      ...all.map(
        (node) =>
          `link add v${node} netns ${hub} type veth peer name eth0 address ${hardware(node)} netns ${this.namespace(node)}`,
      ),
    ]);
    await ip(
      [
        // A side for every node at most.
        ...all.flatMap((side) => [`link add br${side} type bridge`, `link set br${side} up`]),
        ...all.map((node) => `link set v${node} master br0 up`),
      ],
      hub,
    );
    await Promise.all(all.map((node) => this.connect(node)));
  }

  private async connect(node: number): Promise<void> {
    const others = this.all.filter((other) => other !== node);
    await this.inside(node, ['sh'], [`echo 1 > ${ROUTE_LOOPBACK}`]);
    await ip(
      [
        `addr add ${this.address(node)}/24 dev eth0`,
        'link set eth0 up',
        // Nobody has to be asked for them, so that nobody notices a cut by a question that is not answered.
        ...others.map(
          (other) => `neigh add ${this.address(other)} lladdr ${hardware(other)} dev eth0 nud permanent`,
        ),
      ],
      this.namespace(node),
    );
  }

  private namespace(node: number): string {
    return `${this.hub}-${node}`;
  }

  private nft(node: number, rules: readonly string[]): Promise<void> {
    return this.inside(node, ['nft', '-f', '-'], rules);
  }

  private inside(node: number, commandLine: readonly string[], input: readonly string[]): Promise<void> {
    const [command, ...args] = this.launcher(node);
    return run(command, [...args, ...commandLine], input).then(() => undefined);
  }
}

/** The hardware address of a node, known to all others. */
function hardware(node: number): string {
  return `02:00:00:00:00:${(node + 1).toString(16).padStart(2, '0')}`;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
