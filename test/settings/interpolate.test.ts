import { describe, expect, it } from "vitest";
import { interpolate } from "../../src/settings/interpolate.ts";
import { mutated, placeOf, problemsIn, read } from "./kit.ts";

const files: Readonly<Record<string, string>> = {
  "secrets/k": "secret\n",
  two: "a\n\n",
  windows: "a\r\n",
  inner: "${VAR}",
};
const sources = {
  env: { VAR: "value", EMPTY: "", _X9: "x", LOOP: "${VAR}", DIR: "secrets", TWO: "two" },
  readFile: (path: string): string => {
    const text = files[path];
    if (text === undefined) throw Object.assign(new Error("ENOENT: /secret/location"), { code: "ENOENT" });
    return text;
  },
};

describe("interpolate", () => {
  it.each<[string, string]>([
    ["plain", "plain"],
    ["${VAR}", "value"],
    ["a-${VAR}-b-${_X9}", "a-value-b-x"],
    ["${VAR:-other}", "value"],
    ["${NONE:-other}", "other"],
    ["${NONE:-}", ""],
    ["${EMPTY}", ""],
    ["${EMPTY:-other}", "other"],
    ["${NONE:-a b:c-$d}", "a b:c-$d"],
    ["${file:secrets/k}", "secret"],
    ["x${file:secrets/k}y", "xsecrety"],
    ["${file:two}", "a\n"],
    ["${file:windows}", "a"],
    ["$${VAR}", "${VAR}"],
    ["$$${VAR}", "$${VAR}"],
    ["$VAR", "$VAR"],
    ["$$", "$$"],
    ["{VAR}", "{VAR}"],
    ["${LOOP}", "${VAR}"],
    ["${file:inner}", "${VAR}"],
    // A path with variables in it, as for a credential of systemd that a command by hand finds elsewhere.
    ["${file:${NONE:-secrets}/k}", "secret"],
    ["${file:${DIR}/k}", "secret"],
    ["${file:${DIR:-none}/${NONE:-k}}!", "secret!"],
    ["${file:${TWO}}${VAR}", "a\nvalue"],
  ])("replaces %j with %j", (text, value) => expect(interpolate(text, sources)).toEqual({ ok: true, value }));

  it.each<[string, string, RegExp]>([
    ["${NONE}", "OCSGW-6011", /the variable NONE is not set and has no default/],
    ["a ${VAR} ${NONE}", "OCSGW-6011", /NONE/],
    ["${VAR", "OCSGW-6013", /expected }/],
    ["${}", "OCSGW-6013", /expected \$\{VAR\}/],
    ["${9}", "OCSGW-6013", /found \$\{9\}/],
    ["${a-b}", "OCSGW-6013", /found/],
    ["${VAR:+x}", "OCSGW-6013", /found/],
    ["${A:-${VAR}}", "OCSGW-6013", /found/],
    ["${file:}", "OCSGW-6013", /a path/],
    ["${file:none}", "OCSGW-6012", /cannot read the file none that \$\{file:…\} names: there is no such file/],
    ["${constructor}", "OCSGW-6011", /constructor is not set/],
    ["${file:${NONE}/k}", "OCSGW-6011", /NONE is not set/],
    ["${file:${VAR}/k}", "OCSGW-6012", /the file value\/k/],
    ["${file:${DIR}/k", "OCSGW-6013", /expected }/],
    ["${file:${NONE:-}}", "OCSGW-6013", /a path/],
  ])("refuses %j", (text, code, message) => {
    const result = interpolate(text, { ...sources, env: Object.assign(Object.create(null) as object, sources.env) });
    expect(result).toMatchObject({ ok: false, code });
    expect(result.ok ? "" : result.message).toMatch(message);
    expect(JSON.stringify(result)).not.toContain("/secret/location");
  });
});

describe("interpolation of a config file", () => {
  const KEY = "${OCSGW_INDEX_KEY:-for-a-trial-only-not-a-secret-at-all}";

  it("changes values after YAML was parsed", () => {
    const sly = `${"x".repeat(32)}"\n  dir: /tmp # {`;
    expect(read(mutated(), { env: { OCSGW_INDEX_KEY: sly } })).toMatchObject({
      ok: true,
      settings: { audit: { index_key: sly } },
    });
  });

  it("reports an error once, at the value", () => {
    const text = mutated([KEY, "${NOT_SET}"]);
    expect(problemsIn(text).filter(({ severity }) => severity === "error")).toEqual([
      expect.objectContaining({ code: "OCSGW-6011", path: "audit.index_key", ...placeOf(text, "${NOT_SET}") }),
    ]);
  });

  it("does not change keys", () => {
    const text = mutated(["beta-crm:", '"${VAR}":']);
    expect(problemsIn(text, { env: { VAR: "beta-crm" } })[0]).toMatchObject({
      code: "OCSGW-6103",
      path: 'tenants[1].clients."${VAR}"',
    });
  });
});
