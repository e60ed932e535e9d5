/** The purpose of an access, for the journal: the option --purpose, or the answer to a question on the terminal. */
import { purposeFault } from "../../../journal/access.ts";
import { openTerminal, type Terminal } from "../output/terminal.ts";

const QUESTION = "Purpose, for the journal (for example: complaint 2026-118; empty for none): ";
const MOST_TRIES = 3;

/** Undefined without a purpose. Throws RangeError for a text that must not be in the journal. */
export const purposeFrom = async (
  given: string | undefined,
  open: () => Terminal | undefined = openTerminal,
): Promise<string | undefined> => {
  if (given !== undefined) return required(given);
  const terminal = open();
  if (!terminal) return undefined;
  try {
    for (let tries = 1; ; tries++) {
      const answer = (await terminal.ask(QUESTION))?.trim();
      if (answer === undefined || answer === "") return undefined;
      const fault = purposeFault(answer);
      if (fault === undefined) return answer;
      if (tries === MOST_TRIES) throw new RangeError(fault);
      process.stderr.write(`${fault}\n`);
    }
  } finally {
    terminal.close();
  }
};

const required = (purpose: string): string => {
  const fault = purposeFault(purpose);
  if (fault !== undefined) throw new RangeError(fault);
  return purpose;
};
