/** The terminal of the user, for questions that only a person can answer. */
import { openSync } from "node:fs";
import { createInterface } from "node:readline/promises";
import { ReadStream } from "node:tty";

export type Terminal = {
  /** Resolves to one line; undefined if the input ended. */
  readonly ask: (question: string) => Promise<string | undefined>;
  readonly close: () => void;
};

/** Undefined if there is no terminal, or stderr does not go to one. */
export const openTerminal = (): Terminal | undefined => {
  if (!process.stderr.isTTY) return undefined;
  const input = process.stdin.isTTY ? process.stdin : controllingTerminal();
  return input && terminalOn(input, process.stderr);
};

/** If standard input is a file or a pipe, the process may still have a terminal. */
const controllingTerminal = (): ReadStream | undefined => {
  try {
    return new ReadStream(openSync("/dev/tty", "r"));
  } catch {
    return undefined;
  }
};

/** Reads answers from `input` and writes questions to `output`. */
export const terminalOn = (input: NodeJS.ReadableStream, output: NodeJS.WritableStream): Terminal => {
  const lines = createInterface({ input, output, terminal: false });
  const answers = lines[Symbol.asyncIterator]();
  return {
    ask: async (question) => {
      output.write(question);
      const { done, value } = await answers.next();
      if (done) output.write("\n");
      return done ? undefined : value;
    },
    close: () => {
      lines.close();
      if (input !== process.stdin && "destroy" in input) (input as ReadStream).destroy();
      else input.pause();
    },
  };
};
