/** What Help shows: the pages of the documentation and the reference of this version, as entries with addresses. */
import { useEffect, useState } from "preact/hooks";
import docsAddress from "virtual:docs";
import type { HelpContent } from "../../../admin/api/help.ts";
import { get } from "../../api.ts";
import type { Block, DocPage } from "../../../documentation/tree.ts";
import { COMMANDS, type Command } from "../../keys.ts";
import { hrefOf } from "../../router.ts";
import { S } from "../../strings.ts";
import { textIn, textOf } from "../../../documentation/plain-text.ts";

export type Section = keyof typeof S.manual.names;
export const SECTIONS = Object.keys(S.manual.names) as readonly Section[];

export type Content = HelpContent & { readonly docs: readonly DocPage[]; readonly entries: readonly Entry[] };

/** `text`: what a search looks through besides the title. */
export type Entry = {
  readonly section: Section;
  readonly title: string;
  readonly text: string;
  readonly href: string;
};

export const helpHref = (section: Section, name?: string): string =>
  name === undefined ? `/help/${section}` : `/help/${section}/${encodeURIComponent(name)}`;

let loaded: Content | undefined;

export type Loaded = { readonly content: Content | undefined; readonly error: unknown; readonly again: () => void };

/** Asked for once; it does not change while the gateway runs. */
export const useContent = (): Loaded => {
  const [content, setContent] = useState(loaded);
  const [error, setError] = useState<unknown>();
  const [round, setRound] = useState(0);
  useEffect(() => {
    if (loaded) return;
    const controller = new AbortController();
    const { signal } = controller;
    setError(undefined);
    load(signal).then(
      (found) => setContent((loaded = found)),
      (reason: unknown) => !signal.aborted && setError(reason),
    );
    return () => controller.abort();
  }, [round]);
  return { content, error, again: () => setRound((before) => before + 1) };
};

const load = async (signal: AbortSignal): Promise<Content> => {
  const [reference, docs] = await Promise.all([
    get<HelpContent>("/api/help", undefined, signal),
    get<readonly DocPage[]>(new URL(docsAddress, location.href).pathname, undefined, signal),
  ]);
  return { ...reference, docs, entries: entriesOf(reference, docs) };
};

const entriesOf = (reference: HelpContent, docs: readonly DocPage[]): readonly Entry[] => [
  ...[...Map.groupBy(reference.codes, ({ code }) => code)].map(([code, rows]) =>
    entry("codes", code, rows.map(({ title, advice, status }) => `${status} ${title} ${advice}`).join("\n")),
  ),
  ...reference.settings.map(({ key, explanation }) => entry("config", key, explanation)),
  ...reference.metrics.map(({ name, help }) => entry("metrics", name, help)),
  ...reference.events.map(({ name, message, action, fields }) =>
    entry("events", name, [message, action ?? "", ...fields.map((each) => `${each.name} ${each.meaning}`)].join("\n")),
  ),
  ...glossaryIn(docs).map(([word, meaning]) => entry("glossary", word, meaning)),
  ...(Object.keys(COMMANDS) as Command[]).map((command) => entry("keys", COMMANDS[command].says, command)),
  ...docs.flatMap(partsOf),
];

const entry = (section: Section, title: string, text: string): Entry => ({
  section,
  title,
  text,
  href: section === "keys" ? helpHref("keys") : helpHref(section, title),
});

/** One entry for each heading, with the text up to the next one. */
const partsOf = ({ name, title, blocks }: DocPage): Entry[] => {
  const parts: { title: string; id: string | undefined; text: string[] }[] = [];
  for (const block of blocks) {
    if (block[0] === "heading")
      parts.push({
        title: parts.length === 0 ? title : `${title}: ${textOf(block[3])}`,
        id: parts.length === 0 ? undefined : block[2],
        text: [],
      });
    else parts.at(-1)?.text.push(textIn(block));
  }
  return parts.map((part) => ({
    section: "docs",
    title: part.title,
    text: part.text.join("\n"),
    href: hrefOf(helpHref("docs", name), { at: part.id }),
  }));
};

export type Word = readonly [word: string, meaning: string];

/** The rows of the first table in the glossary's page. */
export const glossaryIn = (docs: readonly DocPage[]): readonly Word[] => {
  const table = docs
    .find(({ name }) => name === "glossary")
    ?.blocks.find((block): block is Extract<Block, readonly ["table", ...unknown[]]> => block[0] === "table");
  return (table?.[2] ?? []).map(([word = [], meaning = []]) => [textOf(word), textOf(meaning)]);
};
