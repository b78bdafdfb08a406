import { whyNoLaboratory } from './laboratory.js';

/** Why networks are not cut here; `undefined` if they are. */
export const skipReason = await whyNoLaboratory();
