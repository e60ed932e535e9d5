/**
 * What no single value can be blamed for: contradictions between parts of the file. Each rule looks at the facts and gives findings;
 * where two things conflict, the later one is pointed at and the earlier one named beside it.
 */
import type { Facts } from "./facts.ts";
import type { Finding } from "./problem.ts";
import { accessRules } from "./rules-access.ts";
import { bindRules } from "./rules-binds.ts";
import { identityRules } from "./rules-identity.ts";
import { ownershipRules } from "./rules-ownership.ts";
import { testRules } from "./rules-tests.ts";
import { recordsRules } from "./rules-records.ts";
import { upstreamRules } from "./rules-upstreams.ts";

export type Rule = (facts: Facts) => readonly Finding[];

const RULES: readonly Rule[] = [...ownershipRules, ...recordsRules, ...upstreamRules, ...bindRules, ...accessRules, ...identityRules, ...testRules];

export const findContradictions = (facts: Facts): readonly Finding[] => RULES.flatMap((rule) => rule(facts));
