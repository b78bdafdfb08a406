/**
 * What becomes of a worker that fails: that calls `ctx.fail`, or whose `onWorkerStart` throws when it is started anew.
 *
 * - `transient`: started anew after a pause, here, and by another node when its node dies; ended for good after more
 *   than `maxRestarts` failures within `withinMs`.
 * - `permanent`: the same without an end.
 * - `temporary`: never started anew; ended by its first failure, and gone with its node. It still moves with its state.
 *
 * After the restart types of Erlang/OTP's supervisors.
 */
export type RestartPolicy = 'transient' | 'permanent' | 'temporary';
