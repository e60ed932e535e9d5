/** What becomes of a command's output where nobody takes it. */
import { fstatSync, statSync } from "node:fs";
import { Writable } from "node:stream";
import { reason } from "../system-error.ts";

const FAILED = 1;
const UNREAD_MS = 1000;

/** Results that did not arrive are no success, whoever wanted no more of them: head, a full disk, a reader that died. */
export const sayWhenCutShort = (): void => {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    const why = error.code === "EPIPE" ? "its reader has closed it" : reason(error);
    console.error(`not all of the output was written to stdout: ${why}`);
    process.exit(FAILED);
  });
  process.stderr.on("error", () => undefined);
};

/** Lines that nobody takes from stderr would keep a process for ever that has nothing else to do. */
export const endThoughUnread = (): void => {
  const look = (): void => {
    if (process.stdout.writableLength > 0 || process.stderr.writableLength === 0)
      return void setTimeout(look, UNREAD_MS).unref();
    process.exit();
  };
  setTimeout(look, UNREAD_MS).unref();
};

export type Output = { readonly write: (text: string) => unknown };

/** Resolves when the system has taken it. Rejects with why it did not. */
export const deliver = (to: Output, text: string): Promise<void> =>
  new Promise((resolve, reject) => {
    if (to instanceof Writable) to.write(text, (error) => (error ? reject(error) : resolve()));
    else {
      to.write(text);
      resolve();
    }
  });

/** What is written to /dev/null, or where stdout is closed, which is the same for Node, nobody sees. */
export const isDiscarded = (descriptor: number): boolean => {
  try {
    const [own, nothing] = [fstatSync(descriptor), statSync("/dev/null")];
    return own.isCharacterDevice() && own.rdev === nothing.rdev;
  } catch {
    return false;
  }
};
