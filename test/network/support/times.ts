/** Options of the applications, which are the defaults. */
export const SUSPECT_AFTER_MS = 3_000;
export const LEASE_MS = 3_000;
/** How soon a name is at work elsewhere when nothing has to be waited for any more. */
export const FAILOVER_MS = 1_500;
/** How soon when its process has died, which everybody notices at once. */
export const CRASH_MS = 1_000;
