const { pid } = process;

/**
 * A loopback address that no other process of the tests uses: a port that was freed on it is still free when it is taken again.
 * Linux takes all of 127.0.0.0/8 for loopback.
 */
export const ownLoopback = `127.${64 + ((pid >> 16) & 63)}.${(pid >> 8) & 255}.${pid & 255}`;
