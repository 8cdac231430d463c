// The swap lock in words.

import { moment } from "./words.js";

/** The hold on the swap lock, or nothing while it is free. */
export const heldBy = (state) => (state.status?.lock?.holder ? state.status.lock : null);

/** Who holds the lock and until when, as one sentence. */
export const lockWords = (lock) => `${lock.holder} holds the swap lock until ${moment(lock.expires_at)}.`;
