import { nodeIdOf, type Hello, type Refusal } from './node-info.js';

/** What can be said of a peer by its hello alone: it is this node itself, it must be refused, or it may go on. */
export function judge(own: Hello, peer: Hello): 'self' | Refusal | undefined {
  if (peer.cluster !== own.cluster) {
    return {
      code: 'cluster',
      message: `${own.node.id} belongs to the cluster "${own.cluster}", not "${peer.cluster}"`,
    };
  }
  if (peer.protocol.min > own.protocol.max || peer.protocol.max < own.protocol.min) {
    const [ours, theirs] = [own, peer].map(({ protocol }) => `${protocol.min} to ${protocol.max}`);
    return {
      code: 'protocol',
      message: `${own.node.id} speaks protocol ${ours}, ${peer.node.id} speaks ${theirs}`,
    };
  }
  if (peer.node.id !== own.node.id) return undefined;
  if (peer.node.incarnation === own.node.incarnation) return 'self';
  return {
    code: 'identity',
    message: `another process calls itself ${nodeIdOf(own.node.name, own.node)} too`,
  };
}

/** Whether this node is the one of the two that dials. */
export function dials(own: Hello, peer: Hello): boolean {
  return own.node.id < peer.node.id;
}
