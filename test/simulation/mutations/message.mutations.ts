// Faults in messages: at most once, one outcome by the deadline, and none because a worker moves (promises P5, P7).
import { NodeUnavailableError } from '../../../lib/errors/index.js';
import type { Message } from '../../../lib/messaging/message.js';
import { DeliveredMessages } from '../../../lib/messaging/delivered-messages.js';
import { PendingReplies } from '../../../lib/messaging/pending-replies.js';
import { ParkedMessages } from '../../../lib/messaging/parked-messages.js';
import { Router } from '../../../lib/messaging/router.js';
import { NameWaiters } from '../../../lib/tracker/name-waiters.js';
import { Activation } from '../../../lib/workers/activation.js';
import type { Delivery } from '../../../lib/workers/worker-host.interface.js';
import { crossing, crowded, flooded, gentle, interrupted, rolling, rough } from './histories.js';
import { replaceGetter, replaceMethod, type Mutation } from './mutation.interface.js';

export const messageMutations: readonly Mutation[] = [
  {
    name: 'drops a call to a worker that has moved on',
    promise: /^P5/,
    history: rolling,
    firstSeed: 2,
    withinSeeds: 10,
    plant: () =>
      replaceMethod<Router, [string, Message, boolean], void>(
        Router,
        'forward',
        (_, forward, to, message, hasWaited) => {
          if (message.hops === 0) forward(to, message, hasWaited);
        },
      ),
  },
  {
    name: 'forgets the messages that wait for a worker that moves',
    promise: /^P5/,
    history: rolling,
    withinSeeds: 10,
    plant: () => replaceMethod(Router, 'reroute', () => undefined),
  },
  {
    name: 'sends a call once more when the link has broken behind it',
    promise: /a message was handled twice/,
    history: interrupted,
    withinSeeds: 10,
    plant: () =>
      replaceMethod<{ route(message: Message): void }, [string, Message, boolean], void>(
        Router,
        'forward',
        (router, forward, to, message, hasWaited) => {
          const reply: Message['reply'] = (error, answer, goodUntil) => {
            if (error instanceof NodeUnavailableError) router.route(message);
            else message.reply(error, answer, goodUntil);
          };
          forward(to, { ...message, reply }, hasWaited);
        },
      ),
  },
  {
    name: 'waits for the answer to a question for as long as it takes',
    promise: /^P7/,
    history: rough,
    firstSeed: 3,
    withinSeeds: 4,
    plant: () =>
      replaceMethod<unknown, [string, number, unknown, unknown], number>(
        PendingReplies,
        'add',
        (_, add, to, _ms, late, settle) => add(to, Infinity, late, settle),
      ),
  },
  {
    name: 'keeps a message for as long as its worker cannot be reached',
    promise: /^P7/,
    history: rough,
    firstSeed: 5,
    withinSeeds: 12,
    plant: () => replaceMethod(ParkedMessages, 'expire', () => undefined),
  },
  {
    name: 'lets an operation wait for a name for ever',
    promise: /^P7/,
    history: rough,
    firstSeed: 66,
    withinSeeds: 10,
    plant: () =>
      replaceMethod<NameWaiters, [string, number], Promise<boolean>>(
        NameWaiters,
        'changed',
        (_, changed, name) => changed(name, Infinity),
      ),
  },
  {
    name: 'waits for a handler for as long as it takes',
    promise: /^P7/,
    history: gentle,
    firstSeed: 10,
    withinSeeds: 6,
    plant: () =>
      replaceMethod<DeliveredMessages, [Message], void>(DeliveredMessages, 'deliver', (_, deliver, message) =>
        deliver(withoutDeadline(message)),
      ),
  },
  {
    name: 'handles what nobody waits for any more',
    promise: /^P7: .* after its caller had given it up/,
    history: crowded,
    firstSeed: 24,
    withinSeeds: 10,
    plant: () =>
      replaceMethod<Activation, [Delivery], void>(Activation, 'deliver', (_, deliver, delivery) =>
        deliver(withoutDeadline(delivery)),
      ),
  },
  {
    name: 'sends last what has waited longest for a link',
    promise: /^order/,
    history: crossing,
    withinSeeds: 5,
    plant: () =>
      replaceMethod<
        { readonly byName: Map<string, Set<unknown>> },
        [readonly string[]],
        IterableIterator<void>
      >(ParkedMessages, 'tries', ({ byName }, tries, names) => {
        for (const name of names) byName.set(name, new Set([...(byName.get(name) ?? [])].toReversed()));
        return tries(names);
      }),
  },
  {
    name: 'lets any number of messages wait',
    promise: /^bounds: \d+ messages wait/,
    history: flooded,
    withinSeeds: 1,
    plant: () => replaceGetter(Activation, 'limit', () => Infinity),
  },
  {
    name: 'forgets to count off what it has parked',
    promise: /^bounds: at rest .* parkedMessages/,
    history: flooded,
    withinSeeds: 5,
    plant: () => replaceMethod(ParkedMessages, 'countOff', () => undefined),
  },
];

/** The same message, for whom time is no matter. Messages have getters, and state: neither may be copied. */
function withoutDeadline<Kind extends Delivery>(message: Kind): Kind {
  return new Proxy(message, {
    get(target, key) {
      if (key === 'deadline') return Infinity;
      const value: unknown = Reflect.get(target, key);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}
