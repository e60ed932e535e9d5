/** The terminal of who runs the command, for a question that must be answered by a person. */
import { openSync } from "node:fs";
import { createInterface } from "node:readline/promises";
import { ReadStream } from "node:tty";

export type Terminal = {
  /** One line; undefined when the input ended instead. */
  readonly ask: (question: string) => Promise<string | undefined>;
  readonly close: () => void;
};

/** Undefined where nobody is there to answer: no terminal, or what we say does not go to one. */
export const openTerminal = (): Terminal | undefined => {
  if (!process.stderr.isTTY) return undefined;
  const input = process.stdin.isTTY ? process.stdin : controllingTerminal();
  return input && terminalOn(input, process.stderr);
};

/** Where standard input is a file or a pipe, a person may still sit at the terminal. */
const controllingTerminal = (): ReadStream | undefined => {
  try {
    return new ReadStream(openSync("/dev/tty", "r"));
  } catch {
    return undefined;
  }
};

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
