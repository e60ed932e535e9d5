/** Runs the examples under `tests` against the config's own policy: a config whose examples fail is not valid. */
import type { Draft, Loaded } from "../settings/load.ts";
import { inOrder, pathText, type Path, type Problem } from "../settings/problems/problem.ts";
import type { Settings } from "../settings/schema/schema.ts";
import { decidingPath } from "./deciding-path.ts";
import { createDryRun, lacksOwner, type DryRun, type DryRunResult, type Question } from "./evaluate.ts";

type PolicyTest = Settings["tests"][number];

/** `passed`: how many examples passed; 0 where the config was not valid before. */
export type PolicyTestResult = Loaded & { readonly passed: number };

/**
 * The loaded config, or a problem for each example that fails; beside other problems as long as all values are well
 * formed. `file`: as problems name it.
 */
export const runPolicyTests = async (loaded: Loaded, file: string): Promise<PolicyTestResult> => {
  const draft = loaded.ok ? loaded : loaded.draft;
  if (!draft || (!loaded.ok && loaded.problems.some(preventsTests))) return { ...loaded, passed: 0 };
  const { tests } = draft.settings;
  const dryRun = createDryRun(draft.settings, loaded.hash);
  const faulty = new Set(
    (loaded.ok ? [] : loaded.problems).flatMap(({ path }) => /^tests\[\d+\]/.exec(path)?.[0] ?? []),
  );
  const problems: Problem[] = [];
  for (const [at, test] of tests.entries()) {
    // An example that is itself malformed has its problem already.
    if (!faulty.has(`tests[${at}]`))
      problems.push(...(await failureOf(test, ["tests", at, "expect"], { loaded: draft, file, dryRun })));
  }
  if (!loaded.ok) return { ...loaded, problems: inOrder([...loaded.problems, ...problems]), passed: 0 };
  const passed = tests.length - problems.length;
  return problems.length === 0
    ? { ...loaded, passed }
    : { ...withoutSettings(loaded), problems: [...problems, ...loaded.warnings], passed };
};

/**
 * Contradictions between tenants and an incomplete file change the result of an example, and a key that is too short
 * makes no tokens. In a file of tenants.d a path begins with the tenant's place in its list.
 */
const preventsTests = ({ severity, code, path }: Problem): boolean =>
  severity === "error" && (code === "OCSGW-6351" || /^(?:tenants|\[|audit\.index_key)/.test(path));

type Valid = Extract<Loaded, { ok: true }>;
type Invalid = Extract<Loaded, { ok: false }>;

const withoutSettings = ({
  counts,
  hash,
  files,
  config,
  ended,
  pieces,
}: Valid): Omit<Invalid, "problems" | "draft"> => ({ ok: false, counts, hash, files, config, ended, pieces });

type At = { readonly loaded: Draft; readonly file: string; readonly dryRun: DryRun };

const failureOf = async (test: PolicyTest, path: Path, { loaded, file, dryRun }: At): Promise<readonly Problem[]> => {
  const { as: client, do: what, expect } = test;
  const question = questionOf(test);
  const result = await dryRun(question);
  if (isExpected(test, result)) return [];
  return [
    {
      severity: "error",
      code: "OCSGW-6272",
      file,
      ...loaded.locate(path),
      path: pathText(path),
      message: `${client} ${what}: expected ${expect}, and the policy says ${inWords(result)}`,
      help: lacksOwner(loaded.settings, question, result)
        ? "the owner of the record's handle decides for which tenant this client asks: name it, as in " +
          'owner: "Alpha Tenant"'
        : "correct the setting that decided, or the test's expect",
      also: { ...loaded.locate(decidingPath(loaded.settings, client, result)), message: "decided here" },
    },
  ];
};

/** What the policy decides, in words, where a test expects something else; otherwise undefined. */
export const decidesOtherwise = async (test: PolicyTest, dryRun: DryRun): Promise<string | undefined> => {
  const result = await dryRun(questionOf(test));
  return isExpected(test, result) ? undefined : inWords(result);
};

const questionOf = ({ as: client, do: what, body, tenant, owner }: PolicyTest): Question => {
  const [method = "", target = ""] = what.split(" ");
  return { client, method, target, body: bodyText(body), tenant: tenant ?? undefined, owner: owner ?? undefined };
};

const isExpected = ({ expect }: PolicyTest, { refusal }: DryRunResult): boolean =>
  expect === (refusal?.code ?? "allow");

const bodyText = (body: PolicyTest["body"]): string =>
  body === null ? "" : typeof body === "string" ? body : JSON.stringify(body);

const inWords = ({ order, refusal }: DryRunResult): string =>
  refusal ? `${refusal.code}: ${refusal.detail}` : `allow, for ${order!.owner.name}`;
