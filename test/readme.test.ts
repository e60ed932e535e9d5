/** What README and the pages state is what the code has, and what they point at exists. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { REFUSALS } from "../src/gateway/refusals.ts";
import { ACTIONS, CATALOG, type Action } from "../src/ocs/catalog.ts";
import { AUTH_FAILURES } from "../src/identity/credentials.ts";

const root = new URL("..", import.meta.url).pathname;
const read = (file: string): string => readFileSync(join(root, file), "utf8");

const pagesIn = (folder: string): string[] =>
  readdirSync(join(root, folder)).flatMap((name) => {
    const path = join(folder, name);
    return statSync(join(root, path)).isDirectory() ? pagesIn(path) : name.endsWith(".md") ? [path] : [];
  });

const PAGES = ["README.md", ...pagesIn(".github"), ...pagesIn("src")];

const withoutCode = (text: string): string => text.replaceAll(/^```[\s\S]*?^```$/gm, "");

/** As GitHub makes them: small letters, no punctuation, hyphens for blanks. */
const anchorsIn = (text: string): string[] =>
  [...withoutCode(text).matchAll(/^#+ (.+)$/gm)].map(([, title]) =>
    title!
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );

const linksIn = (page: string): string[] =>
  [...withoutCode(read(page)).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!);

/** Every page that links lead to from README.md. */
const reached = (): Set<string> => {
  const seen = new Set(["README.md"]);
  for (const page of seen)
    for (const target of linksIn(page)) {
      const to = join(dirname(page), target.split("#")[0]!);
      if (to.endsWith(".md") && existsSync(join(root, to))) seen.add(to);
    }
  return seen;
};

describe("README", () => {
  it("is short: everything else is on a page", () => {
    expect(read("README.md").split("\n").length).toBeLessThanOrEqual(250);
  });

  it.each(pagesIn("src/docs"))("leads to %s, by links alone", (page) => {
    expect(reached()).toContain(page);
  });
});

describe.each(PAGES)("%s", (page) => {
  const text = read(page);

  it("has no link that leads nowhere", () => {
    const broken = linksIn(page)
      .filter((target) => !/^[a-z]+:/.test(target))
      .filter((target) => {
        const [file = "", anchor] = target.split("#");
        const to = file === "" ? page : join(dirname(page), file);
        return !existsSync(join(root, to)) || (anchor !== undefined && !anchorsIn(read(to)).includes(anchor));
      });
    expect(broken).toEqual([]);
  });

  it("names no file that does not exist", () => {
    const named = [...text.matchAll(/`((?:src|test|deploy|config|\.github)\/[\w./@-]*)`/g)].map(([, path]) => path!);
    expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });
});

describe("the architecture page", () => {
  const page = read("src/README.md");

  it("has a row for each folder, and none for a folder that is gone", () => {
    const rows = [...page.matchAll(/^\| `([\w-]+)\/` \|/gm)].map(([, folder]) => folder!);
    const folders = readdirSync(join(root, "src")).filter((name) => statSync(join(root, "src", name)).isDirectory());
    expect(rows.toSorted()).toEqual(folders.toSorted());
  });

  it("names no file of src that does not exist", () => {
    const named = [...page.matchAll(/[`\s]((?:[a-z0-9-]+\/)+[a-z0-9-]+\.(?:ts|md))\b/g)].map(([, path]) => path!);
    expect(named.length).toBeGreaterThan(15);
    expect(named.filter((path) => ![path, join("src", path)].some((each) => existsSync(join(root, each))))).toEqual([]);
  });
});

describe("CONTRIBUTING", () => {
  const page = read(".github/CONTRIBUTING.md");

  it('answers at least 25 questions "where is …?" with a file of src', () => {
    const rows = page.slice(page.indexOf("## Where is")).match(/^\| (?!where is|---).+ \| `src\/.+\|$/gm);
    expect(rows?.length).toBeGreaterThanOrEqual(25);
  });

  it("names only npm scripts that exist", () => {
    const { scripts } = JSON.parse(read("package.json")) as { scripts: Readonly<Record<string, string>> };
    const named = [...page.matchAll(/npm run (?:--silent )?([\w:]+)/g)].map(([, script]) => script!);
    expect(named.filter((script) => !(script in scripts))).toEqual([]);
  });
});

describe("the glossary", () => {
  it("has each word once, in alphabetical order", () => {
    const words = [...read("src/docs/glossary.md").matchAll(/^\| (?!word |---)(.+?) \|/gm)].map(([, word]) => word!);
    expect(words.length).toBeGreaterThanOrEqual(40);
    expect(words).toEqual([...new Set(words)].toSorted((a, b) => a.localeCompare(b, "en", { sensitivity: "base" })));
  });
});

const row = ({
  resource,
  name,
  method,
  required,
  requiredWhenPredictive,
  namesTenant,
  finalizes,
  repeat,
}: Action): string => {
  const path =
    method === "GET"
      ? `/${resource}, /${resource}/<${CATALOG[resource].identifier}>`
      : `/${resource}/<${CATALOG[resource].identifier}>`;
  const needs = [
    ...(namesTenant ? ["the tenant (the gateway fills it in)"] : []),
    ...required,
    ...requiredWhenPredictive.map((attribute) => `${attribute} in predictive modes`),
  ];
  return (
    `| ${method === "GET" ? `${name} (GET)` : name} | ${path} | ${needs.join(", ") || "–"} | ` +
    `${finalizes ? "yes" : ""} | ${repeat} |`
  );
};

const table = (): string =>
  [
    "| action | path | needs in the body | ends the handle | after no answer |",
    "| --- | --- | --- | --- | --- |",
    ...ACTIONS.map(row),
  ].join("\n");

describe("the page about OCS actions", () => {
  it("has the action table as the catalog has it", () => {
    const shown = /<!-- actions -->\n([\s\S]*?)\n?<!-- \/actions -->/.exec(read("src/docs/reference/actions.md"))?.[1];
    expect(shown).toBe(table());
  });
});

describe("the page about rejected credentials", () => {
  it("has every reason for which a credential is refused, and no other", () => {
    const rows = read("src/docs/reference/credentials.md")
      .split("\n")
      .filter((line) => line.startsWith("| `"))
      .flatMap((line) => [...line.split("|")[1]!.matchAll(/`([a-z-]+)`/g)].map(([, reason]) => reason!));
    expect(rows).toEqual(AUTH_FAILURES);
  });
});

describe("the page about the gateway's own replies", () => {
  it("has the table of refusals as it is", () => {
    const shown = /<!-- codes -->\n([\s\S]*?)\n<!-- \/codes -->/.exec(
      read("src/docs/reference/gateway-replies.md"),
    )?.[1];
    const rows = Object.values(REFUSALS).map(
      ({ code, status, title, delivery, advice }) => `| ${code} | ${status} | ${delivery} | ${title} | ${advice} |`,
    );
    expect(shown).toBe(
      ["| code | status | delivery | what | what to do |", "| --- | --- | --- | --- | --- |", ...new Set(rows)].join(
        "\n",
      ),
    );
  });
});
