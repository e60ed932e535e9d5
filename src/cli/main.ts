#!/usr/bin/env node
/** `ocsgw`: starts the process, runs the command that was given, and ends with its exit code. */
import { keepCompiled } from "./process/compile-cache.ts";
import { handleEarlySignals } from "./process/early-signals.ts";
import { withGivenConfig } from "./process/given-config.ts";
import { endWithUnreadOutput, failOnIncompleteOutput } from "./process/output.ts";
import { faultInWords } from "../common/system-error.ts";
import { CANNOT_TELL, DONE, FAILED, UNREACHABLE, WRONG_USAGE } from "./exit-codes.ts";

/** Node 24.18.1 and later of 24, 26.5.1 and later. */
const isSupported = ([major = 0, minor = 0, patch = 0]: readonly number[]): boolean => {
  if (major === 24) return minor > 18 || (minor === 18 && patch >= 1);
  return major === 26 ? minor > 5 || (minor === 5 && patch >= 1) : major > 26;
};

if (!isSupported(process.versions.node.split(".").map(Number))) {
  console.error(
    `ocsgw needs Node 24.18.1 or later (24 LTS), and this is Node ${process.versions.node}. npm installs a ` +
      "fitting Node beside ocsgw on most systems, unless optional packages are omitted (--omit=optional). In a " +
      "checkout, npm start and npm run ocsgw use it.",
  );
  process.exit(FAILED);
}

// Before anything else is loaded.
handleEarlySignals();
keepCompiled();

// The health check runs every few seconds, and loading the other commands takes longer than the check.
if (process.argv[2] === "healthcheck") {
  const { probe } = await import("./healthcheck/healthcheck.ts");
  const code = await probe(process.argv.slice(3), "config/ocsgw.yaml");
  if (code !== undefined) process.exit(code);
}

const { CommanderError } = await import("commander");
const { createProgram } = await import("./commands/program.ts");
const { marked } = await import("./commands/options.ts");

/** By class name: importing the classes would make every command load the journal. */
const EXIT_OF: Readonly<Record<string, number>> = {
  WrongCommand: WRONG_USAGE,
  CommandFailed: UNREACHABLE,
  JournalHeld: UNREACHABLE,
  LockUnavailable: CANNOT_TELL,
  NoJournal: CANNOT_TELL,
  CannotTell: CANNOT_TELL,
  LineDamaged: CANNOT_TELL,
};

failOnIncompleteOutput();
try {
  await createProgram().parseAsync(marked(process.argv));
} catch (error) {
  if (!(error instanceof CommanderError)) {
    console.error(withGivenConfig(faultInWords(error)));
    process.exitCode = (error instanceof Error && EXIT_OF[error.name]) || FAILED;
  } else {
    if (error.code === "usage") console.error(error.message);
    process.exitCode = error.exitCode === 0 ? DONE : WRONG_USAGE;
  }
}
endWithUnreadOutput();
