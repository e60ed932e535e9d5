/** Search over pages and reference: all words must occur; titles count more than texts. */

/** `text`: what a search looks through besides the title. */
export type Searched = { readonly title: string; readonly text: string };

export type Found<Entry> = Entry & { readonly snippet: string };

export type Results<Entry> = { readonly count: number; readonly shown: readonly Found<Entry>[] };

export const MOST_SHOWN = 50;

/** Lower case of titles and texts, made once for each entry. */
const lowered = new WeakMap<Searched, { readonly title: string; readonly text: string }>();

const lower = (entry: Searched): { readonly title: string; readonly text: string } => {
  const known = lowered.get(entry) ?? { title: entry.title.toLowerCase(), text: entry.text.toLowerCase() };
  lowered.set(entry, known);
  return known;
};

export const search = <Entry extends Searched>(entries: readonly Entry[], asked: string): Results<Entry> => {
  const whole = asked.trim().toLowerCase();
  const words = whole.split(/\s+/).filter(Boolean);
  if (words.length === 0) return { count: 0, shown: [] };
  const found = entries.flatMap((entry, place) => {
    const { title, text } = lower(entry);
    if (!words.every((word) => title.includes(word) || text.includes(word))) return [];
    return [{ entry, place, score: scoreOf(title, { whole, words }) }];
  });
  const best = found.toSorted((one, other) => other.score - one.score || one.place - other.place);
  return {
    count: found.length,
    shown: best.slice(0, MOST_SHOWN).map(({ entry }) => ({ ...entry, snippet: snippetOf(entry, words) })),
  };
};

type Asked = { readonly whole: string; readonly words: readonly string[] };

const scoreOf = (title: string, { whole, words }: Asked): number => {
  if (title === whole) return 100;
  const inTitle = words.filter((word) => title.includes(word)).length;
  const isPart = title.split(/[^a-z0-9-]+/).includes(whole);
  return (
    (isPart ? 40 : 0) +
    (title.startsWith(whole) ? 30 : 0) +
    (title.includes(whole) ? 20 : 0) +
    (10 * inTitle) / words.length
  );
};

const BEFORE = 60;
const LENGTH = 200;

const snippetOf = (entry: Searched, words: readonly string[]): string => {
  const { text } = lower(entry);
  const at = words.map((word) => text.indexOf(word)).filter((each) => each >= 0);
  const start = Math.max(0, Math.min(...at, text.length) - BEFORE);
  const from = at.length === 0 ? 0 : start;
  const end = from + LENGTH;
  const part = entry.text.slice(from, end).replaceAll(/\s+/g, " ").trim();
  return `${from > 0 ? "…" : ""}${part}${end < entry.text.length ? "…" : ""}`;
};
