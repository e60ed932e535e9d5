/**
 * Reads a new password: one line of standard input, or on a terminal asked twice without showing it. Never from an
 * argument, which shell histories and process lists show.
 */
import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import { WRONG_USAGE } from "../exit-codes.ts";
import { Stop } from "../list-file.ts";

/** Bytes. More than any password may have. */
const MOST = 65_536;

type Terminal = { readonly input: NodeJS.ReadStream; readonly output: { readonly write: (text: string) => unknown } };

/** Throws Stop for anything else than one line. */
export const readPassword = async (
  input: NodeJS.ReadStream = process.stdin,
  output: Terminal["output"] = process.stderr,
): Promise<string> => {
  if (!input.isTTY) return oneLine(await allOf(input));
  const terminal = { input, output };
  const password = await ask("New password: ", terminal);
  if ((await ask("The same again: ", terminal)) !== password)
    throw new Stop(WRONG_USAGE, "the two passwords differ; nothing was changed");
  return password;
};

const oneLine = (text: string): string => {
  const line = text.replace(/\r?\n$/, "");
  if (line.includes("\n")) throw new Stop(WRONG_USAGE, "expected the password as one line on standard input");
  return line;
};

const allOf = async (input: NodeJS.ReadStream): Promise<string> => {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of input as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MOST) throw new Stop(WRONG_USAGE, `standard input has more than ${MOST} bytes: this is no password`);
    chunks.push(chunk);
  }
  try {
    // Windows PowerShell begins what it pipes with a BOM, which nobody can type in a browser: the decoder drops it.
    return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(chunks));
  } catch {
    throw new Stop(WRONG_USAGE, "the password on standard input is not UTF-8");
  }
};

/** readline edits the line as usual, and writes what is typed to nowhere. */
const ask = (question: string, { input, output }: Terminal): Promise<string> => {
  output.write(question);
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input, output: nowhere, terminal: true, historySize: 0 });
  return new Promise<string>((resolve, reject) => {
    lines.once("line", resolve);
    lines.once("SIGINT", () => reject(new Stop(WRONG_USAGE, "interrupted; nothing was changed")));
    lines.once("close", () => reject(new Stop(WRONG_USAGE, "no password was given; nothing was changed")));
  }).finally(() => {
    lines.close();
    output.write("\n");
  });
};
