/** The exit codes of all commands, one meaning each. Scripts rely on the numbers. */

export const DONE = 0;
export const FAILED = 1;
export const WRONG_USAGE = 2;
export const NOT_VALID = 3;
export const UNREACHABLE = 5;
export const BROKEN = 7;
export const CANNOT_TELL = 8;
export const DENIED = 9;
export const DIFFERENT = 10;

/** For --help and the documentation. */
export const EXIT_MEANINGS = {
  [DONE]: "done",
  [FAILED]: "failed, or not ready",
  [WRONG_USAGE]: "wrong usage",
  [NOT_VALID]: "the config is not valid, or not that of the running gateway",
  [UNREACHABLE]: "cannot reach the gateway, OCS or another address",
  [BROKEN]: "the journal's integrity is broken",
  [CANNOT_TELL]: "cannot tell, because a key, a checkpoint, a file or another gateway is missing",
  [DENIED]: "denied (can), not conformant (conformance), or not separated (isolation prove)",
  [DIFFERENT]: "differences found (config diff, fmt --check)",
} as const;
