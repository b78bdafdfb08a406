import { Injectable } from '@nestjs/common';
import { assertMayAct } from '../workers/call-chain.js';
import { assertName } from '../workers/name-rules.js';
import { KernelHolder } from './kernel.holder.js';
import type { CallOptions } from './message-types.js';
import { nameOfTarget, outgoing } from './messages.js';
import { WorkerRefs } from './worker-ref.js';
import type { WorkerRef } from './worker-ref.interface.js';

/** What became of one member of `multiCallSettled`. */
export type MemberOutcome<R> =
  | { readonly member: WorkerRef; readonly value: R; readonly error?: undefined }
  | { readonly member: WorkerRef; readonly error: Error; readonly value?: undefined };

/**
 * Groups of workers, to send a message to all members at once. A group exists as long as it has a member. Membership belongs
 * to the worker: it survives moves and restarts, and ends with the registration.
 *
 * Besides what a method lists, each throws what all of `SwarmRegistry` throw. After Elixir's swarm (`join/2`, `publish/2`,
 * `multi_call/2`).
 */
@Injectable()
export class SwarmGroups {
  constructor(
    private readonly nodes: KernelHolder,
    private readonly refs: WorkerRefs,
  ) {}

  /**
   * Makes a worker a member; nothing happens if it is one. When it resolves, the next `publish` of this node reaches
   * the member; other nodes follow within the time of a message.
   *
   * @throws WorkerNotFoundError
   * @throws NoNodeAvailableError if the worker's node is gone, and no other may host it now
   * @throws NodeUnavailableError if it comes from a worker that may have no effect any more
   * @throws OperationTimeoutError after `registerTimeoutMs` of the module; it may or may not be a member now
   */
  join(group: string, member: string | WorkerRef): Promise<void> {
    return this.nodes.ask(async (kernel) => {
      assertMayAct('change');
      assertName('the group', group);
      await kernel.joinGroup(group, nameOfTarget(member));
    });
  }

  /**
   * Ends the membership; nothing happens if there is none.
   *
   * @throws WorkerNotFoundError
   * @throws NoNodeAvailableError if the worker's node is gone, and no other may host it now
   * @throws NodeUnavailableError if it comes from a worker that may have no effect any more
   * @throws OperationTimeoutError after `registerTimeoutMs` of the module; it may or may not be a member now
   */
  leave(group: string, member: string | WorkerRef): Promise<void> {
    return this.nodes.ask(async (kernel) => {
      assertMayAct('change');
      assertName('the group', group);
      await kernel.leaveGroup(group, nameOfTarget(member));
    });
  }

  /** The members of a group, read from this node's copy of the registry, in no defined order. */
  members(group: string): WorkerRef[] {
    const { kernel } = this.nodes;
    assertName('the group', group);
    return kernel.members(group).map((row) => this.refs.of(row));
  }

  /** The groups that have a member. */
  groups(): string[] {
    return this.nodes.kernel.groups();
  }

  /**
   * Casts a message to every member: one frame per node, fanned out there. Handlers of both kinds are reached; members
   * that do not handle the pattern are a `message-dropped` event.
   *
   * @returns how many members were addressed
   * @throws PayloadTooLargeError, UnserializableError
   */
  publish(group: string, pattern: string, data?: unknown): number {
    const { kernel } = this.nodes;
    assertMayAct('message');
    assertName('the group', group);
    assertName('the pattern', pattern);
    return kernel.publish(group, pattern, data);
  }

  /**
   * Calls every member and collects the answers that came in time. Failures and `undefined` answers are left out, so
   * the answers cannot be told apart by member: use `multiCallSettled` for that.
   *
   * @param options `timeoutMs`, by default `callTimeoutMs` of the module
   * @throws PayloadTooLargeError, UnserializableError
   */
  async multiCall<R = unknown>(
    group: string,
    pattern: string,
    data?: unknown,
    options?: CallOptions,
  ): Promise<R[]> {
    const outcomes = await this.multiCallSettled<R>(group, pattern, data, options);
    const answers: R[] = [];
    for (const { value } of outcomes) if (value !== undefined) answers.push(value);
    return answers;
  }

  /**
   * Calls every member and tells for each what it answered or why it did not; rejects for no member's failure.
   *
   * @param options `timeoutMs`, by default `callTimeoutMs` of the module
   * @throws PayloadTooLargeError, UnserializableError
   */
  multiCallSettled<R = unknown>(
    group: string,
    pattern: string,
    data?: unknown,
    options?: CallOptions,
  ): Promise<Array<MemberOutcome<R>>> {
    return this.nodes.ask(async (kernel) => {
      assertName('the group', group);
      const outcomes = await kernel.multiCall(group, outgoing(pattern, data, options));
      return outcomes.map((outcome) => {
        const member = this.refs.of(outcome.row);
        return 'error' in outcome ? { member, error: outcome.error } : { member, value: outcome.value as R };
      });
    });
  }
}
