import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { describe, expect, it } from "vitest";
import { patternOf } from "./kit/pattern.ts";

const src = new URL("../src/", import.meta.url).pathname;

/**
 * Which folders each folder may import. Every folder but ocs may import common; app and cli may import anything. The
 * table in src/README.md says what each folder knows and what it leaves to others.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  ocs: [],
  common: [],
  identity: ["ocs", "tenancy"],
  tenancy: ["ocs"],
  ownership: ["ocs", "tenancy", "cluster"],
  gateway: ["ocs", "identity", "tenancy", "ownership", "idempotency", "journal"],
  idempotency: ["journal", "cluster"],
  contract: ["ocs", "gateway"],
  client: [],
  cluster: [],
  callbacks: ["ocs", "tenancy", "upstream", "gateway", "ownership", "journal"],
  upstream: ["ocs"],
  journal: [],
  witness: ["journal"],
  // The linter judges clients' files by the action table alone; the config's addresses are given to it.
  lint: ["ocs"],
  // The outbox knows requests as OCS gets them, and persons as the journal compares them; what sends is given to it.
  outbox: ["ocs", "identity", "journal", "cluster"],
  edge: [],
  telemetry: [],
  sandbox: ["ocs"],
  admin: ["journal", "contract"],
  console: ["admin", "journal", "documentation"],
  // The pages are made from the tables of these folders, and served with the headers of the console.
  documentation: ["ocs", "contract", "gateway", "journal", "settings", "admin", "lint"],
  explain: ["ocs", "gateway", "identity", "ownership", "journal", "settings"],
  settings: ["ocs", "identity", "tenancy", "journal", "cluster"],
  "dry-run": ["ocs", "tenancy", "ownership", "gateway", "journal", "settings"],
};
const EVERYWHERE = new Set(["common"]);
const ANYTHING = new Set(["app", "cli"]);

/**
 * Of the journal the gateway knows the words, and nothing that writes. The console runs in a browser: of the server it
 * knows the shapes of replies.
 */
const TYPES_ONLY: readonly (readonly [string, string])[] = [
  ["gateway", "journal"],
  ["console", "admin"],
  ["console", "journal"],
  ["console", "common"],
];

/**
 * Of the journal the config knows the kinds of entries, because each may have a retention time of its own; of the
 * cluster, how the database's address is written.
 */
const FILES_ONLY: readonly (readonly [string, string, readonly string[]])[] = [
  ["settings", "journal", ["journal/entry.ts", "journal/kinds.ts"]],
  ["settings", "cluster", ["cluster/database-address.ts"]],
  // Ownership knows the log that gateways share, not the database.
  ["idempotency", "cluster", ["cluster/database.ts", "cluster/group-commit.ts"]],
  ["ownership", "cluster", ["cluster/log/shared-log.ts", "cluster/group-commit.ts"]],
];

/** Each library has one home. */
const HOMES: Readonly<Record<string, readonly string[]>> = {
  express: ["edge/express.ts"],
  "http-proxy": ["callbacks/validator-client.ts"],
  jsonwebtoken: ["identity/"],
  jose: ["identity/"],
  "openid-client": ["admin/oidc/provider.ts"],
  "rate-limiter-flexible": ["tenancy/rate-window.ts"],
  diff: ["settings/edit/"],
  yaml: ["settings/", "cli/sandbox/sandbox.ts"],
  zod: ["settings/", "admin/route.ts", "admin/input.ts", "admin/api/", "admin/schemas/", "admin/openapi/"],
  commander: ["cli/main.ts", "cli/commands/", "cli/completion/", "cli/help/"],
  pg: [
    "cluster/connect.ts",
    "cluster/database.ts",
    "cluster/database-unavailable.ts",
    "cluster/listener.ts",
    "cluster/pool.ts",
  ],
  pino: ["common/log/events.ts"],
  "prom-client": ["admin/metrics/"],
  "@opentelemetry": ["telemetry/sdk.ts"],
  preact: ["console/"],
  "@preact": ["console/"],
  uplot: ["console/"],
  marked: ["documentation/"],
  acorn: ["lint/script/parse-ecmascript.ts"],
  "@sveltejs": ["lint/script/parse-ecmascript.ts"],
  sax: ["lint/readers/xml.ts"],
  "virtual:docs": ["console/pages/help/"],
  // The text of a snippet for other programs.
  "ocs-gateway": ["contract/snippets/typescript.ts"],
};

const walk = (folder: string): string[] =>
  readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) return path === join(src, "console/built") ? [] : walk(path);
    return /\.(?:tsx?|mjs)$/.test(path) ? [path] : [];
  });

const sources = walk(src).map((path) => relative(src, path));
const files = sources.filter((path) => /\.tsx?$/.test(path));
const folderOf = (file: string): string => file.split("/")[0]!.replace(/\.tsx?$/, "");

type Import = { readonly from: string; readonly what: string; readonly typesOnly: boolean };

const importsOf = (file: string): Import[] =>
  [
    ...readFileSync(join(src, file), "utf8").matchAll(
      /(?:^|\n)\s*(?:import|export)\s+(type\s+)?(?:[^"';]*?\sfrom\s+)?"([^"]+)"|import\("([^"]+)"\)/g,
    ),
  ].map(([, type, what, dynamic]) => ({ from: file, what: what ?? dynamic!, typesOnly: type !== undefined }));

const ours = files
  .flatMap(importsOf)
  .filter(({ what }) => what.startsWith("."))
  .map((each) => ({ ...each, to: relative(src, join(src, each.from, "..", each.what)) }));

const isGateway = (file: string): boolean => folderOf(file) === "gateway";

const sentence = (from: string, to: string): string => {
  const folder = folderOf(from);
  const allowed = MAY_IMPORT[folder];
  return (
    `${from} imports ${to}; ${folder} ` +
    `${allowed === undefined ? "is not in the table" : `may import ${allowed.join(", ") || "nothing of ours"}`}`
  );
};

/** Groups of files that lead back to themselves, by Tarjan's algorithm. */
const circles = (): string[] => {
  const next = Map.groupBy(ours, ({ from }) => from);
  const [order, low] = [new Map<string, number>(), new Map<string, number>()];
  const path: string[] = [];
  const found: string[] = [];
  const visit = (file: string): void => {
    order.set(file, order.size);
    low.set(file, order.get(file)!);
    path.push(file);
    for (const { to } of next.get(file) ?? []) {
      if (!order.has(to)) visit(to);
      if (path.includes(to)) low.set(file, Math.min(low.get(file)!, low.get(to)!));
    }
    if (low.get(file) !== order.get(file)) return;
    const group = path.splice(path.indexOf(file));
    if (group.length > 1) found.push(group.toSorted().join(", "));
  };
  for (const file of files) if (!order.has(file)) visit(file);
  return found;
};

describe("imports between folders", () => {
  it("are found by this test", () => {
    expect(files).toContain("gateway/pipeline.ts");
    expect(ours.map(({ from, to }) => `${from} ${to}`)).toContain("gateway/pipeline.ts ocs/target.ts");
  });

  it("go only where the table allows", () => {
    const wrong = ours.filter(({ from, to }) => {
      const [folder, target] = [folderOf(from), folderOf(to)];
      if (folder === target || ANYTHING.has(folder) || to.startsWith("../package.json")) return false;
      if (EVERYWHERE.has(target)) return folder === "ocs";
      return !MAY_IMPORT[folder]?.includes(target);
    });
    expect(wrong.map(({ from, to }) => sentence(from, to))).toEqual([]);
  });

  it("are of types only where the table says so", () => {
    const wrong = ours.filter(
      ({ from, to, typesOnly }) =>
        !typesOnly && TYPES_ONLY.some(([folder, target]) => folderOf(from) === folder && folderOf(to) === target),
    );
    expect(wrong.map(({ from, to }) => `${from} imports more than types of ${to}`)).toEqual([]);
  });

  it("are of the named files only where the table says so", () => {
    const wrong = ours.filter(({ from, to }) =>
      FILES_ONLY.some(
        ([folder, target, known]) => folderOf(from) === folder && folderOf(to) === target && !known.includes(to),
      ),
    );
    expect(wrong.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
  });

  it("have a row in the table for every folder", () => {
    const unknown = [...new Set(files.map(folderOf))].filter(
      (folder) => !ANYTHING.has(folder) && MAY_IMPORT[folder] === undefined,
    );
    expect(unknown).toEqual([]);
  });

  it("make no circle, inside a folder neither, and not with types either: a reader could begin nowhere", () => {
    expect(circles()).toEqual([]);
  });

  it("keep each library in its one home", () => {
    const packages = files.flatMap(importsOf).filter(({ what }) => !what.startsWith(".") && !what.startsWith("node:"));
    const astray = packages.filter(
      ({ from, what }) => !(HOMES[what.split("/")[0]!] ?? []).some((home) => from.startsWith(home)),
    );
    expect(
      astray.map(
        ({ from, what }) => `${from} imports ${what}, whose home is ${(HOMES[what] ?? ["nowhere"]).join(", ")}`,
      ),
    ).toEqual([]);
  });
});

describe("folders", () => {
  /** About fifteen: what a reader can take in at a glance. */
  const MOST = 16;

  it(`have at most ${MOST} files each`, () => {
    const full = Map.groupBy(sources, (file) => dirname(file));
    expect(
      [...full].filter(([, inside]) => inside.length > MOST).map(([name, { length }]) => `${name}: ${length}`),
    ).toEqual([]);
  });

  it("have no index.ts: a file is named by what it holds", () => {
    expect(files.filter((file) => /(^|\/)index\.m?ts$/.test(file))).toEqual([]);
  });
});

/** What is left to be split. A file that is split goes from the list; none is added. */
const LONG_FILES: readonly string[] = ["sandbox/fidelity.ts"];

describe("files", () => {
  const linesOf = (file: string): string[] => readFileSync(join(src, file), "utf8").split("\n");
  const isUrl = (line: string): boolean => line.includes("://");

  it("of src have at most 300 lines, but for those that are named until they are split", () => {
    expect(sources.filter((file) => linesOf(file).length > 301 && !LONG_FILES.includes(file))).toEqual([]);
  });

  /** A line of one literal with a JSON body as it is sent. */
  const isData = (line: string): boolean =>
    /^\s*(?:(?:const )?\w+(?: =|:) )?["'`]\{"\w+":/.test(line) && !line.includes("${");

  it.each([
    ["src", sources.map((file) => join(src, file))],
    ["test", walk(new URL(".", import.meta.url).pathname)],
  ])("of %s have no line over 120 columns but URLs and data", (_, paths) => {
    const wide = paths.flatMap((path) =>
      readFileSync(path, "utf8")
        .split("\n")
        .map((line, at) => ({ line, where: `${relative(join(src, ".."), path)}:${at + 1}` })),
    );
    expect(
      wide.filter(({ line }) => line.length > 120 && !isUrl(line) && !isData(line)).map(({ where }) => where),
    ).toEqual([]);
  });
});

describe("values that prove what happened to them", () => {
  const makers = {
    Caller: "gateway/stages/authenticate.ts",
    Grant: "gateway/stages/authorize.ts",
    Command: "gateway/stages/parse-body.ts",
    Permit: "gateway/stages/resolve-tenant.ts",
    Order: "gateway/stages/isolate.ts",
  } as const;
  const filesWith = (pattern: RegExp): string[] =>
    files.filter((file) => pattern.test(readFileSync(join(src, file), "utf8")));

  it.each(Object.entries(makers))("%s is made in %s alone", (name, home) => {
    expect(filesWith(new RegExp(`\\bproven<${name}>`))).toEqual([home]);
  });
  it("are made by proven<…> alone, with the type named, and never by a cast", () => {
    const names = Object.keys(makers).join("|");
    const code = (file: string): string =>
      readFileSync(join(src, file), "utf8").replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "");
    // The console says the word to people.
    const own = files.filter((file) => file !== "gateway/types.ts" && !file.startsWith("console/strings/"));
    const loose = own.filter((file) => /\bproven\b(?!<|,|;)/.test(code(file)));
    expect(loose).toEqual([]);
    expect(filesWith(new RegExp(`\\bas (unknown as |any as )?(${names})\\b`)).filter(isGateway)).toEqual([]);
    expect(filesWith(/\bas unknown as\b/).filter(isGateway)).toEqual([]);
  });
});

describe("the journal's lock", () => {
  /** The kernel drops the lock when this process closes any descriptor of its file. */
  it("is a file that only lock.ts names and only lock/kernel.ts opens", () => {
    const naming = files.filter((file) => /\.writer\b|"writer"/.test(readFileSync(join(src, file), "utf8")));
    expect(naming.toSorted()).toEqual(["journal/lock/lock.ts", "journal/paths.ts"]);
    expect(ours.filter(({ to }) => to === "journal/lock/kernel.ts").map(({ from }) => from)).toEqual([
      "journal/lock/lock.ts",
      "journal/lock/lock.ts",
    ]);
    expect(files.filter((file) => /\bcp\(|\bcpSync\(/.test(readFileSync(join(src, file), "utf8")))).toEqual([]);
  });
});

describe("codes of refusals", () => {
  /** It may not import the gateway, and needs one code. */
  const exempt = new Set(["settings/rules/tests.ts"]);
  it("are listed in gateway/refusals.ts alone: other files name the refusal", () => {
    const listing = files.filter((file) => /["'`]OCSGW-[1-5]\d{3}["'`]/.test(readFileSync(join(src, file), "utf8")));
    expect(listing.filter((file) => !exempt.has(file))).toEqual(["gateway/refusals.ts"]);
  });
});

describe("codes of problems in a config", () => {
  /** The same problem, told of files of several kinds. */
  const shared = new Set(["OCSGW-6261", "OCSGW-6262"]);
  it("name one problem each: no two files of rules share one", () => {
    const homes = Map.groupBy(
      files
        .filter((file) => /^(settings\/rules\/(?!rules)|settings\/diff\/needs-restart|dry-run|app\/)/.test(file))
        .flatMap((file) =>
          [...new Set(readFileSync(join(src, file), "utf8").match(/OCSGW-6\d{3}/g))].map((code) => ({ code, file })),
        ),
      ({ code }) => code,
    );
    expect(homes.size).toBeGreaterThan(50);
    expect(
      [...homes]
        .filter(([code, at]) => at.length > 1 && !shared.has(code))
        .map(([code, at]) => `${code}: ${at.map(({ file }) => file).join(", ")}`),
    ).toEqual([]);
  });
});

describe("what the system says", () => {
  /** `no such file` and not ENOENT: see system-error.ts. The verifier's program is packed alone. */
  it("is shown to nobody as it stands", () => {
    const raw = patternOf(
      /\.code \?\? [a-z(]|\? error\.message : String\(error\)|/,
      /\$\{(?:\(error as NodeJS\.ErrnoException\)|error|problem|fault)\.code\}/,
    );
    const wrong = files
      .filter((file) => file !== "common/system-error.ts" && !file.startsWith("journal/verify/"))
      .flatMap((file) =>
        readFileSync(join(src, file), "utf8")
          .split("\n")
          .filter((line) => raw.test(line) && !/facts\.code|refusal|last\.code/.test(line))
          .map((line) => `${file}: ${line.trim()}`),
      );
    expect(wrong).toEqual([]);
  });
});
