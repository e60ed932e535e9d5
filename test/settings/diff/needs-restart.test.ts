import { describe, expect, it } from "vitest";
import { needsRestart } from "../../../src/settings/diff/needs-restart.ts";
import type { Settings } from "../../../src/settings/schema/schema.ts";
import { mutated, read } from "../kit.ts";

type Change = readonly [from: string, to: string];

const settings = (...changes: readonly Change[]): Settings => {
  const loaded = read(mutated(...changes));
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded.settings;
};

const REGISTRAR: Change = [
  "    connections: 4",
  '    callbacks: { bind: "127.0.0.1:8444", allow_from: [127.0.0.1], registrars: [{ client: minter, tenants: ' +
    "[Alpha Tenant] }] }\n    connections: 4",
];
const SWAPPED: readonly Change[] = [
  ["name: Alpha Tenant", "name: Gamma Tenant"],
  ["name: Beta Tenant", "name: Alpha Tenant"],
];

describe("a config reloaded by a running gateway", () => {
  it.each<[string, readonly Change[], readonly Change[], number]>([
    ["the same as before", [REGISTRAR], [REGISTRAR], 0],
    [
      "with the names of two tenants exchanged, one of them on a registrar's list",
      [REGISTRAR],
      [REGISTRAR, ...SWAPPED],
      1,
    ],
    ["with the names of two tenants exchanged, on no registrar's list", [], [...SWAPPED], 0],
    [
      "with a registrar's list that names the same tenant by its new name",
      [REGISTRAR],
      [
        [REGISTRAR[0], REGISTRAR[1].replace("Alpha Tenant", "Gamma")],
        ["name: Alpha Tenant", "name: Gamma"],
      ],
      1,
    ],
  ])("%s has the expected number of changes that need a restart", (_what, before, after, count) => {
    expect(needsRestart(settings(...before), settings(...after)).map(({ path }) => path)).toEqual(
      Array.from({ length: count }, () => ["upstreams", "ocs-main", "callbacks"]),
    );
  });

  it.each<[string, string, string, readonly (readonly string[])[]]>([
    ["another name of the node", "node: gw-a\n", "node: gw-b\n", [["node"]]],
    ["another database", "", "", [["shared", "postgres"]]],
  ])("%s needs a restart", (_what, first, second, paths) => {
    const shared = (name: string): string =>
      `shared: { postgres: "postgresql://ocsgw@127.0.0.1/${name}", tls: none }\n# config: { watch: all }`;
    const change = (node: string, name: string): Change => ["# config: { watch: all }", `${node}${shared(name)}`];
    const isSame = first !== second;
    expect(
      needsRestart(settings(change(first, "one")), settings(change(second, isSame ? "one" : "two"))).map(
        ({ path }) => path,
      ),
    ).toEqual(paths);
  });

  it("needs a restart when a shared database is added", () => {
    const added: Change = ["# config: { watch: all }", 'shared: { postgres: "postgresql://o@127.0.0.1/o", tls: none }'];
    expect(needsRestart(settings(), settings(added)).map(({ path }) => path)).toEqual([["shared"]]);
  });
});
