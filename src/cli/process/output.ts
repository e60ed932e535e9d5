/** Handles output that nobody reads. */
import { fstatSync, statSync } from "node:fs";
import { Writable } from "node:stream";
import { reason } from "../../common/system-error.ts";
import { FAILED } from "../exit-codes.ts";

const UNREAD_MS = 1000;

/** Incomplete results are a failure, whatever the reason: head, a full disk, a reader that died. */
export const failOnIncompleteOutput = (): void => {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    const why = error.code === "EPIPE" ? "its reader closed it" : reason(error);
    console.error(`the output to stdout is incomplete: ${why}`);
    process.exit(FAILED);
  });
  process.stderr.on("error", () => undefined);
};

/** Ends a process that only waits for stderr to be read, which would last forever. */
export const endWithUnreadOutput = (): void => {
  const look = (): void => {
    if (process.stdout.writableLength > 0 || process.stderr.writableLength === 0)
      return void setTimeout(look, UNREAD_MS).unref();
    process.exit();
  };
  setTimeout(look, UNREAD_MS).unref();
};

export type Output = { readonly write: (text: string) => unknown };

/** Resolves when the operating system has taken the text; rejects when it has not. */
export const deliver = (to: Output, text: string): Promise<void> =>
  new Promise((resolve, reject) => {
    if (to instanceof Writable) to.write(text, (error) => (error ? reject(error) : resolve()));
    else {
      to.write(text);
      resolve();
    }
  });

/** True for /dev/null and for a closed descriptor, which Node replaces by /dev/null. */
export const isDiscarded = (descriptor: number): boolean => {
  try {
    const [own, nothing] = [fstatSync(descriptor), statSync("/dev/null")];
    return own.isCharacterDevice() && own.rdev === nothing.rdev;
  } catch {
    return false;
  }
};
