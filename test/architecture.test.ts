import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { describe, expect, it } from "vitest";

const src = new URL("../src/", import.meta.url).pathname;

/** What each folder may import of ours. `events`, `file-owner`, `shell-word`, `small-file` and `system-error` may be imported by every folder but ocs; assemble and cli may import anything. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  ocs: [],
  mask: [],
  message: [],
  events: [],
  network: [],
  "file-owner": [],
  "shell-word": [],
  "small-file": [],
  "system-error": [],
  x509: [],
  wildcard: [],
  tenants: ["ocs", "network", "wildcard"],
  gateway: ["ocs", "tenants", "journal", "mask", "message"],
  upstream: ["ocs", "message", "x509"],
  journal: ["mask", "wildcard", "x509"],
  witness: ["journal"],
  edge: ["message", "network", "x509"],
  sandbox: ["ocs", "message"],
  console: ["journal", "message", "x509"],
  settings: ["ocs", "tenants", "x509"],
  rehearsal: ["ocs", "tenants", "gateway", "journal", "message", "settings"],
};
const EVERYWHERE = new Set(["events", "file-owner", "shell-word", "small-file", "system-error"]);
const ANYTHING = new Set(["assemble", "cli"]);

/** Of the journal the gateway knows the words, and nothing that writes. */
const TYPES_ONLY: readonly (readonly [string, string])[] = [["gateway", "journal"]];

/** Each library has one home. */
const HOMES: Readonly<Record<string, readonly string[]>> = {
  express: ["edge/express.ts"],
  "http-proxy": ["upstream/relay.ts"],
  jsonwebtoken: ["tenants/"],
  jose: ["tenants/"],
  "rate-limiter-flexible": ["tenants/window.ts"],
  yaml: ["settings/", "cli/sandbox.ts"],
  zod: ["settings/"],
  commander: ["cli/main.ts"],
  pino: ["events.ts"],
  "prom-client": ["console/metrics.ts", "console/exposition.ts", "console/process-metrics.ts"],
};

const walk = (folder: string): string[] =>
  readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? walk(path) : path.endsWith(".ts") ? [path] : [];
  });

const files = walk(src).map((path) => relative(src, path));
const roomOf = (file: string): string => file.split("/")[0]!.replace(/\.ts$/, "");

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

const sentence = (from: string, to: string): string => {
  const room = roomOf(from);
  const allowed = MAY_IMPORT[room];
  return `${from} imports ${to}; ${room} ${allowed === undefined ? "is not in the table" : `may import ${allowed.join(", ") || "nothing of ours"}`}`;
};

describe("the arrows between rooms", () => {
  it("finds the imports at all", () => {
    expect(files).toContain("gateway/line.ts");
    expect(ours.map(({ from, to }) => `${from} ${to}`)).toContain("gateway/line.ts ocs/target.ts");
  });

  it("point one way", () => {
    const wrong = ours.filter(({ from, to }) => {
      const [room, target] = [roomOf(from), roomOf(to)];
      if (room === target || ANYTHING.has(room) || to.startsWith("../package.json")) return false;
      if (EVERYWHERE.has(target)) return room === "ocs";
      return !MAY_IMPORT[room]?.includes(target);
    });
    expect(wrong.map(({ from, to }) => sentence(from, to))).toEqual([]);
  });

  it("carry types only where only types are to be known", () => {
    const wrong = ours.filter(
      ({ from, to, typesOnly }) =>
        !typesOnly && TYPES_ONLY.some(([room, target]) => roomOf(from) === room && roomOf(to) === target),
    );
    expect(wrong.map(({ from, to }) => `${from} imports more than types of ${to}`)).toEqual([]);
  });

  it("know every room", () => {
    const unknown = [...new Set(files.map(roomOf))].filter(
      (room) => !ANYTHING.has(room) && MAY_IMPORT[room] === undefined,
    );
    expect(unknown).toEqual([]);
  });

  it("lead each library home", () => {
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

describe("values that prove what happened to them", () => {
  const makers = {
    Caller: "gateway/authenticate.ts",
    Permit: "gateway/admit.ts",
    Command: "gateway/command.ts",
    Order: "gateway/isolate.ts",
  } as const;
  it.each(Object.entries(makers))("%s is made in %s alone", (name, home) => {
    const casts = files.filter(
      (file) =>
        roomOf(file) !== "cli" &&
        new RegExp(`\\bas (unknown as )?${name}\\b`).test(readFileSync(join(src, file), "utf8")),
    );
    expect(casts).toEqual([home]);
  });
});

describe("the journal's lock", () => {
  /** The kernel drops the lock when this process closes any descriptor of its file. */
  it("is a file that only lock.ts names and only lock/kernel.ts opens", () => {
    const naming = files.filter((file) => /\.writer\b|"writer"/.test(readFileSync(join(src, file), "utf8")));
    expect(naming.toSorted()).toEqual(["journal/lock.ts", "journal/places.ts"]);
    expect(ours.filter(({ to }) => to === "journal/lock/kernel.ts").map(({ from }) => from)).toEqual([
      "journal/lock.ts",
      "journal/lock.ts",
    ]);
    expect(files.filter((file) => /\bcp\(|\bcpSync\(/.test(readFileSync(join(src, file), "utf8")))).toEqual([]);
  });
});

describe("codes of problems in a config", () => {
  /** The same problem, told of files of several kinds. */
  const shared = new Set(["OCSGW-6261", "OCSGW-6262"]);
  it("name one problem each: no two files of rules share one", () => {
    const homes = Map.groupBy(
      files
        .filter((file) => /^(settings\/rules-|settings\/restart|rehearsal|assemble)/.test(file))
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
    const raw =
      /\.code \?\? [a-z(]|\? error\.message : String\(error\)|\$\{(?:\(error as NodeJS\.ErrnoException\)|error|problem|fault)\.code\}/;
    const wrong = files
      .filter((file) => file !== "system-error.ts" && !file.startsWith("journal/verify/"))
      .flatMap((file) =>
        readFileSync(join(src, file), "utf8")
          .split("\n")
          .filter((line) => raw.test(line) && !/facts\.code|refusal|last\.code/.test(line))
          .map((line) => `${file}: ${line.trim()}`),
      );
    expect(wrong).toEqual([]);
  });
});
