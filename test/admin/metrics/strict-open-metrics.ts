/** A parser of OpenMetrics 1.0 that accepts nothing else: the grammar, and the rules about families and exemplars. */

export type ParsedSample = {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  readonly exemplar: { readonly labels: Readonly<Record<string, string>>; readonly value: number } | undefined;
};
export type ParsedFamily = { readonly name: string; readonly type: string; readonly samples: readonly ParsedSample[] };

const NAME = "[a-zA-Z_:][a-zA-Z0-9_:]*";
const LABEL = String.raw`[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"`;
const LABELS = String.raw`\{(?:${LABEL}(?:,${LABEL})*)?\}`;
const NUMBER = String.raw`(?:[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?|[+-]Inf|NaN)`;
const SAMPLE = new RegExp(
  `^(${NAME})(${LABELS})? (${NUMBER})(?: (${NUMBER}))?(?: # (${LABELS}) (${NUMBER})(?: (${NUMBER}))?)?$`,
);
const SUFFIXES: Readonly<Record<string, readonly string[]>> = {
  counter: ["_total", "_created"],
  gauge: [""],
  histogram: ["_bucket", "_count", "_sum", "_created"],
  summary: ["", "_count", "_sum", "_created"],
};
const LONGEST_EXEMPLAR = 128;

const numberOf = (text: string): number => (text.endsWith("Inf") ? Number(`${text}inity`) : Number(text));

const labelsOf = (text: string | undefined): Readonly<Record<string, string>> =>
  Object.fromEntries(
    [...(text ?? "").matchAll(/([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g)].map(([, name, value]) => [name, value]),
  );

export const parseOpenMetrics = (text: string): readonly ParsedFamily[] => {
  if (!text.endsWith("\n# EOF\n")) throw new Error("no # EOF at the end");
  const families: { name: string; type: string; samples: ParsedSample[] }[] = [];
  const seen = new Set<string>();
  for (const line of text.split("\n").slice(0, -2)) {
    const [, word, name, rest] = new RegExp(`^# (HELP|TYPE) (${NAME}) (.+)$`).exec(line) ?? [];
    const family = families.at(-1);
    if (word === "HELP") {
      if (/(?<!\\)(?:\\\\)*"/.test(rest!)) throw new Error(`a quotation mark that is not escaped: ${line}`);
      families.push({ name: name!, type: "unknown", samples: [] });
      continue;
    }
    if (!family) throw new Error(`before the first family: ${line}`);
    if (word === "TYPE") {
      if (name !== family.name || family.samples.length > 0) throw new Error(`out of place: ${line}`);
      family.type = rest!;
      continue;
    }
    family.samples.push(sampleOf(line, family));
  }
  for (const { name, type } of families)
    for (const suffix of SUFFIXES[type] ?? [""]) {
      if (seen.has(name + suffix)) throw new Error(`${name}${suffix} belongs to two families`);
      seen.add(name + suffix);
    }
  return families;
};

const sampleOf = (line: string, family: { readonly name: string; readonly type: string }): ParsedSample => {
  const [, name, labels, value, , exemplarLabels, exemplarValue] = SAMPLE.exec(line) ?? [];
  if (name === undefined) throw new Error(`not a sample: ${line}`);
  const suffixes = SUFFIXES[family.type];
  if (!suffixes?.some((suffix) => name === family.name + suffix)) throw new Error(`not of ${family.name}: ${line}`);
  const bound = labelsOf(labels)["le"];
  if (bound !== undefined && !/^(?:\d+\.\d+|\+Inf)$/.test(bound)) throw new Error(`not a bound: ${line}`);
  if (exemplarLabels === undefined)
    return { name, labels: labelsOf(labels), value: numberOf(value!), exemplar: undefined };
  if (!/_(?:bucket|total)$/.test(name)) throw new Error(`no place for an exemplar: ${line}`);
  const own = labelsOf(exemplarLabels);
  if (Object.entries(own).flat().join("").length > LONGEST_EXEMPLAR) throw new Error(`an exemplar too long: ${line}`);
  if (bound !== undefined && numberOf(exemplarValue!) > numberOf(bound)) throw new Error(`above its bucket: ${line}`);
  return {
    name,
    labels: labelsOf(labels),
    value: numberOf(value!),
    exemplar: { labels: own, value: numberOf(exemplarValue!) },
  };
};
