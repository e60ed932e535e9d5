/** `ocsgw help`: the help of a command, a page of the documentation, or a search in all pages. */
import type { Command } from "commander";
import { inShell } from "../../common/shell-word.ts";
import { readLibrary } from "../../documentation/all-pages.ts";
import type { Library } from "../../documentation/library.ts";
import { byKind, KINDS, nameOf, type Page } from "../../documentation/page.ts";
import { MOST_SHOWN } from "../../documentation/search.ts";
import { toTerminal } from "../../documentation/terminal/to-terminal.ts";
import { wrapped } from "../../documentation/terminal/wrap.ts";
import { nearest } from "../../settings/problems/did-you-mean.ts";
import { DONE, FAILED, WRONG_USAGE } from "../exit-codes.ts";
import { screenOf } from "./screen.ts";

/** Resolves to the exit code: 2 for a topic that does not exist. */
export const help = async (program: Command, topic: readonly string[]): Promise<number> => {
  const command = commandAt(program, topic);
  if (command && topic.length > 0) {
    command.outputHelp();
    return DONE;
  }
  const library = await readLibrary();
  if (topic.length === 0) {
    program.outputHelp();
    process.stdout.write(`\n${topicsText(program, library)}`);
    return DONE;
  }
  // A page's name has no spaces: exit codes is exit-codes.
  const page = library.find(topic.join("-"));
  if (page) {
    process.stdout.write(toTerminal(page, library.files, screenOf(process.stdout, process.env)));
    return DONE;
  }
  console.error(unknown(program, library, topic));
  return WRONG_USAGE;
};

/** Resolves to 1 if nothing is found. */
export const searchHelp = async (words: string): Promise<number> => {
  const { count, shown } = (await readLibrary()).search(words);
  const { width } = screenOf(process.stdout, process.env);
  for (const { page, title, snippet } of shown) {
    const lines = wrapped(snippet, width - 4).map((line) => `    ${line}`);
    process.stdout.write(`${title}\n  ocsgw help ${inShell(nameOf(page))}\n${lines.join("\n")}\n\n`);
  }
  if (count > MOST_SHOWN) console.error(`${count} found; the first ${MOST_SHOWN} are shown`);
  if (count > 0) return DONE;
  console.error(`nothing found for ${JSON.stringify(words)}; all words must occur under one heading`);
  return FAILED;
};

const commandAt = (program: Command, words: readonly string[]): Command | undefined =>
  words.reduce<Command | undefined>(
    (at, word) => at?.commands.find((each) => each.name() === word || each.aliases().includes(word)),
    program,
  );

const unknown = (program: Command, library: Library, topic: readonly string[]): string => {
  const command = nearest(
    topic[0]!,
    program.commands.map((each) => each.name()),
  );
  const near = library.nearest(topic.join("-")) ?? command;
  const hint = near === undefined ? "" : ` Did you mean ${near}?`;
  const words = topic.join(" ");
  return (
    `there is no command and no topic ${JSON.stringify(words)}.${hint} ocsgw help lists all; ` +
    `ocsgw help --search ${inShell(words)} looks through all pages.`
  );
};

/** Codes and log events have a page that lists them. */
const topicsText = (program: Command, library: Library): string => {
  const groups = byKind(library.pages).map(([kind, pages]) => {
    const shown = kind === "errors" ? pages.filter(({ file }) => file.endsWith("/README.md")) : pages;
    return [KINDS[kind], ...shown.map((page) => `  ${topicOf(program, library, page).padEnd(26)}  ${page.title}`)].join(
      "\n",
    );
  });
  return [
    "Topics (ocsgw help TOPIC prints one, ocsgw help --search WORDS looks through all, ocsgw error CODE explains a " +
      "code):",
    ...groups,
    "",
  ].join("\n\n");
};

/** Without the folder, unless a command or another page has that name. */
const topicOf = (program: Command, library: Library, page: Page): string => {
  const name = nameOf(page);
  const short = name
    .replace(/\/README$/, "")
    .split("/")
    .at(-1)!;
  return commandAt(program, [short]) === undefined && library.find(short) === page ? short : name;
};
