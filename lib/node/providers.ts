import { PROVIDER_TIMEOUT_MS, type DiscoveryProvider } from '../discovery/discovery-provider.interface.js';
import { messageOf } from '../errors/thrown.js';
import type { Runtime } from '../runtime/runtime.interface.js';
import { within } from '../runtime/within.js';
import type { KernelParts } from './kernel-parts.js';

/**
 * Has all providers do something at once. They may be anyone's: one that fails, or is never done, holds up neither the
 * others nor its node, and is told of.
 *
 * @param failure what the log says of one that cannot, as `could not start`
 */
export async function eachProvider(
  runtime: Runtime,
  { discovery, logger }: Pick<KernelParts, 'discovery' | 'logger'>,
  failure: string,
  work: (provider: DiscoveryProvider) => Promise<void> | undefined,
): Promise<void> {
  const late = `not done within ${PROVIDER_TIMEOUT_MS} ms`;
  const works = discovery.map(async (provider) => {
    try {
      await within(runtime, PROVIDER_TIMEOUT_MS, late, () => work(provider));
    } catch (error) {
      const reason = messageOf(error);
      logger.warn(`discovery ${provider.name} ${failure}: ${reason}`);
    }
  });
  await Promise.all(works);
}
