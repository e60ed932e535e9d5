import { withGivenConfig } from "../process/given-config.ts";

/** Prints why a command failed, and returns its exit code. */
export const fail = (why: string, code: number): number => {
  console.error(withGivenConfig(why));
  return code;
};
