/**
 * The behaviours of the sandbox with the source of each, for `ocsgw sandbox fidelity`. It separates assumptions from
 * what Genesys documents.
 */
import { ASSUMED, type Basis } from "./assumptions.ts";
import { assumed, PROPOSED, STATED, type FidelityRow } from "./fidelity-rows.ts";
import { NEGATIVE_ANSWERS, type ConditionRow } from "./negative-answers.ts";
import { KIND_NAMES, kindOf } from "./faults/kinds.ts";
import { TRANSITIONS, type Transition } from "./actions/transitions.ts";

const faultRows = KIND_NAMES.flatMap((name) => {
  const { assumes } = kindOf(name);
  return assumes === undefined ? [] : [assumed(`fault: ${name}`, assumes, "no source found")];
});

const basisOf = ({ warning, text, status, basis, source }: ConditionRow, name: string): FidelityRow => ({
  topic: `answer: ${name}`,
  behaviour: `${status}, ${warning === undefined ? "no Warning" : `Warning ${warning}`}, ${text ?? "no body"}`,
  basis,
  source,
});

const transitionText = (transition: Transition): string => {
  if ("effect" in transition) return transition.effect;
  const { status, warning }: ConditionRow = NEGATIVE_ANSWERS[transition.refused];
  return warning === undefined ? String(status) : `${status}/${warning}`;
};

const transitionRows = Object.entries(TRANSITIONS).map(([state, requests]) =>
  assumed(
    `campaign group, ${state}`,
    Object.entries(requests)
      .map(([request, transition]) => `${request}: ${transitionText(transition)}`)
      .join(", "),
    "names of GSW_CM_AttrError; Load of a loaded group (409/5) is the manual's",
  ),
);

export const FIDELITY: readonly FidelityRow[] = [
  ...STATED,
  ...Object.entries(NEGATIVE_ANSWERS).map(([name, condition]) => basisOf(condition, name)),
  ...PROPOSED,
  ...Object.values(ASSUMED).map(({ topic, behaviour, source }) => assumed(topic, behaviour, source)),
  ...transitionRows,
  ...faultRows,
];

const BASES: readonly Basis[] = ["manual", "genesys material", "assumed"];

/** The table as text: one paragraph per basis, one line per row with topic, behaviour and source. */
export const renderFidelity = (rows: readonly FidelityRow[] = FIDELITY): string => {
  const width = Math.max(...rows.map(({ topic }) => topic.length));
  const line = ({ topic, behaviour, source }: FidelityRow): string =>
    `  ${topic.padEnd(width)}  ${behaviour}  [${source}]`;
  return BASES.map(
    (basis) =>
      `${basis}\n${rows
        .filter((each) => each.basis === basis)
        .map(line)
        .join("\n")}\n`,
  ).join("\n");
};
