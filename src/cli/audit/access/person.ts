/**
 * The person to search for: one line from standard input, because arguments are visible in shell histories and process
 * lists.
 */
import { text } from "node:stream/consumers";
import type { Person } from "../../../journal/search/phone-variants.ts";
import { openTerminal } from "../output/terminal.ts";

type Options = { readonly phoneStdin?: boolean; readonly customerStdin?: boolean };

/** Undefined if neither option is given. Throws RangeError. */
export const personFrom = async ({ phoneStdin, customerStdin }: Options): Promise<Person | undefined> => {
  if (!phoneStdin && !customerStdin) return undefined;
  if (phoneStdin && customerStdin)
    throw new RangeError("give --phone-stdin or --customer-stdin, not both: there is one standard input");
  const kind = phoneStdin ? "phone" : "customer_id";
  const lines = (await given(kind))
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter(Boolean);
  if (lines.length !== 1) throw new RangeError(`expected one line on standard input, found ${lines.length}`);
  return { kind, value: lines[0]! };
};

/** Reads all of standard input; on a terminal, asks for one line. */
const given = async (kind: Person["kind"]): Promise<string> => {
  const terminal = process.stdin.isTTY ? openTerminal() : undefined;
  if (!terminal) return text(process.stdin);
  try {
    return (await terminal.ask(kind === "phone" ? "phone number: " : "customer id: ")) ?? "";
  } finally {
    terminal.close();
  }
};
