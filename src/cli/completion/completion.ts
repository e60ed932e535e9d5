/** `ocsgw completion`: prints what makes a shell complete commands, options and files. */
import type { Command } from "commander";
import { DONE } from "../exit-codes.ts";
import { bashCompletion } from "./bash.ts";
import { fishCompletion } from "./fish.ts";
import { commandRows, type CommandRow } from "./rows.ts";
import type { Shell } from "./shells.ts";
import { zshCompletion } from "./zsh.ts";

const OF_SHELL: Readonly<Record<Shell, (rows: readonly CommandRow[]) => string>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};

/** Prints to standard output. Resolves to the exit code. */
export const completion = (program: Command, shell: Shell): number => {
  process.stdout.write(OF_SHELL[shell](commandRows(program)));
  return DONE;
};
