/** The command blocks of a page: what is fenced as console or sh, with what the fence says about running it. */

export type Command = { readonly text: string; readonly exit: number; readonly shown: readonly string[] };

export type Block = {
  /** Of the fence, from 1. */
  readonly line: number;
  /** In a sh block all lines are one command, which ends at the first failure. */
  readonly isScript: boolean;
  readonly commands: readonly Command[];
  /** Why the test does not run it. */
  readonly notRun: string | undefined;
  /** Its one command runs until the page ends; the next block starts once its output has this text. */
  readonly keepsRunning: string | undefined;
};

/** Where the blocks of a page run: in an empty folder, beside a running sandbox, or beside the samples of config/. */
export type Place = "empty" | "sandbox" | "sample";

const PLACES = new Set<string>(["empty", "sandbox", "sample"] satisfies Place[]);

export type Setting = { readonly place: Place; readonly before: readonly Command[] };

/**
 * `<!-- blocks: sandbox -->`; further lines of the comment are commands that run before the page's first block, as in a
 * console block. Throws for a place that does not exist.
 */
export const settingOf = (text: string): Setting => {
  const [, place = "empty", before = ""] = /^<!-- blocks: (\w+)\s([^]*?)-->$/m.exec(text) ?? [];
  if (!PLACES.has(place)) throw new Error(`unknown place of blocks: ${place}`);
  return { place: place as Place, before: commandsOf(before.split("\n")) };
};

const FENCE = /^(?<indent>\s*)```(?<language>console|shell|bash|sh)(?<info>(?:\s.*)?)$/;

/** All blocks in the order of the page. Throws for a fence that says something unknown. */
export const blocksOf = (text: string): readonly Block[] => {
  const lines = text.split("\n");
  return lines.flatMap((line, at) => {
    const { indent = "", language, info = "" } = FENCE.exec(line)?.groups ?? {};
    if (language === undefined) return [];
    const end = lines.indexOf(`${indent}\`\`\``, at + 1);
    if (end < 0) throw new Error(`line ${at + 1}: the block has no end`);
    const body = lines.slice(at + 1, end).map((each) => (each.startsWith(indent) ? each.slice(indent.length) : each));
    const isScript = language !== "console";
    const commands = isScript ? [{ text: body.join("\n"), exit: 0, shown: [] }] : commandsOf(body);
    return [{ line: at + 1, isScript, commands, ...saidOf(info, at + 1) }];
  });
};

const saidOf = (info: string, line: number): Pick<Block, "notRun" | "keepsRunning"> => {
  const rest = info.replaceAll(/\s(?:not-run|keeps-running)="[^"]*"/g, "").trim();
  if (rest !== "")
    throw new Error(`line ${line}: the fence says ${rest}, and only not-run="…" or keeps-running="…" may`);
  const said = (name: string): string | undefined => new RegExp(`\\s${name}="([^"]*)"`).exec(info)?.[1];
  return { notRun: said("not-run"), keepsRunning: said("keeps-running") };
};

/** A line that begins with `$ ` is a command, with its continuation lines; what follows is its output. */
const commandsOf = (lines: readonly string[]): readonly Command[] => {
  const commands: { text: string; shown: string[] }[] = [];
  let goesOn = false;
  for (const line of lines) {
    const last = commands.at(-1);
    if (goesOn && last) last.text += `\n${line.replace(/^> /, "")}`;
    else if (line.startsWith("$ ")) commands.push({ text: line.slice(2), shown: [] });
    else last?.shown.push(line);
    goesOn = (goesOn || line.startsWith("$ ")) && line.endsWith("\\");
  }
  return commands.map(({ text, shown }) => ({
    text,
    shown,
    exit: Number(/ # .*\bexit code (\d+)$/m.exec(text)?.[1] ?? 0),
  }));
};
