import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ExportsFault, readExports } from "../../../../src/cli/discover/csv/exports.ts";
import { inFolder } from "../../init/kit.ts";

const folder = inFolder();

/** Reads files with these texts, named a.csv, b.csv, … */
const read = (texts: readonly string[], known: readonly string[] = []) =>
  readExports(
    texts.map((text, at) => {
      const file = join(folder(), `${"abcd"[at]}.csv`);
      writeFileSync(file, text);
      return file;
    }),
    known,
  );

const TENANTS = "tenant,tenant_dbid\nAlpha Tenant,101\nBeta Tenant,102\n";

describe("exports", () => {
  it("say by their columns what they hold, in any order of columns and files", async () => {
    const found = await read([
      "calling_list;tenant\nAlpha List;Alpha Tenant\n",
      "campaign_group,campaign_group_dbid,tenant,campaign_dbid,agent_group_dbid\nA@B,106,Alpha Tenant,139,\n",
      TENANTS,
      "tenant,campaign\nBeta Tenant,Spring\n",
    ]);
    expect(found).toMatchObject({
      tenants: [
        { name: "Alpha Tenant", dbid: 101 },
        { name: "Beta Tenant", dbid: 102, where: `${folder()}/c.csv:3` },
      ],
      groups: [{ tenant: "Alpha Tenant", name: "A@B", dbid: 106, campaignId: 139, groupId: undefined }],
      lists: [{ tenant: "Alpha Tenant", name: "Alpha List" }],
      campaigns: [{ tenant: "Beta Tenant", name: "Spring" }],
    });
  });

  it("may name tenants that the config has", async () => {
    expect((await read(["tenant,campaign\nOurs,Spring\n"], ["Ours"])).campaigns).toHaveLength(1);
  });

  it.each<[string, readonly string[], string]>([
    ["an unknown tenant", [TENANTS, "tenant,campaign\nAlpha Tenant,X\nGamma,Y\n"], 'b.csv:3: unknown tenant "Gamma"'],
    [
      "a tenant in another case",
      [TENANTS, "tenant,campaign\nalpha tenant,X\n"],
      'b.csv:2: unknown tenant "alpha tenant"',
    ],
    ["a tenant twice", [`${TENANTS}Alpha Tenant,103\n`], "a.csv:4: the tenant Alpha Tenant is already in"],
    ["a DBID twice", [`${TENANTS}Gamma,102\n`], "a.csv:4: a tenant with the DBID 102 is already in"],
    [
      "a group twice in two files",
      [TENANTS, "tenant,campaign_group\nAlpha Tenant,A@B\n", "tenant,campaign_group\nBeta Tenant,A@B\n"],
      "c.csv:2: the campaign group A@B is already in",
    ],
    [
      "a group's DBID twice",
      [TENANTS, "tenant,campaign_group,campaign_group_dbid\nAlpha Tenant,A@B,1\nBeta Tenant,C@D,1\n"],
      "b.csv:3: a campaign group with the DBID 1 is already in",
    ],
    [
      "a list twice",
      [TENANTS, "tenant,calling_list\nAlpha Tenant,L\nAlpha Tenant,L\n"],
      "b.csv:3: the calling list L of",
    ],
    ["no DBID", ["tenant,tenant_dbid\nA,\n"], "a.csv:2: tenant_dbid: expected a DBID"],
    ["a DBID that is none", ["tenant,tenant_dbid\nA,1e3\n"], 'found "1e3"'],
    ["a DBID with a sign", ["tenant,tenant_dbid\nA,+1\n"], 'found "+1"'],
    ["a DBID that is too large", ["tenant,tenant_dbid\nA,2147483648\n"], 'found "2147483648"'],
    ["an empty name", [TENANTS, "tenant,campaign\nAlpha Tenant,\n"], "b.csv:2: campaign is empty"],
    ["a name with blanks around it", ["tenant,tenant_dbid\n A,1\n"], "a.csv:2: tenant: expected a name"],
    [
      "a list that OCS's URIs cannot name",
      [TENANTS, "tenant,calling_list\nAlpha Tenant,a/b\n"],
      "b.csv:2: calling_list",
    ],
    ["columns of no kind", ["name,dbid\nA,1\n"], "a.csv:1: the columns name, dbid tell none of the kinds"],
    ["columns of two kinds", ["tenant,campaign,calling_list\nA,B,C\n"], "tell more than one of the kinds"],
    ["an unknown column", ["tenant,tenant_dbid,note\nA,1,x\n"], "a.csv:1: unknown column note"],
    ["no column of the tenant", ["campaign\nX\n"], "a.csv:1: the column tenant is missing"],
    ["a row that is malformed", [TENANTS, "tenant,campaign\nAlpha Tenant\n"], "b.csv:2: 1 fields"],
  ])("are refused for %s, by file and line", async (_, texts, why) => {
    const reading = read(texts);
    await expect(reading).rejects.toBeInstanceOf(ExportsFault);
    await expect(reading).rejects.toThrow(why);
  });

  it("are refused with all reasons at once", async () => {
    const why = await read(["tenant,tenant_dbid\nA,x\nB,y\n", "tenant,campaign\nC,D\n"]).catch(String);
    for (const part of ["a.csv:2", "a.csv:3", "b.csv:2"]) expect(why).toContain(part);
  });

  it("are refused if they cannot be read", async () => {
    await expect(readExports([join(folder(), "none.csv")], [])).rejects.toThrow(/none\.csv: cannot be read/);
  });
});
