/** Whether the signed journal has the entries of a flow, as this browser found out by itself. */
import { useEffect, useState } from "preact/hooks";
import type { EntryProofs } from "../../../admin/schemas/flow.ts";
import type { TransactionJson } from "../../../journal/search/to-json.ts";
import { get } from "../../api.ts";
import { Verdict, type Mark } from "../../parts/data/verdict.tsx";
import { S } from "../../strings.ts";
import { checkProofs, NoCryptography, type LineVerdict, type SignatureVerdict, type Verdicts } from "./proof.ts";

export type Proof = {
  readonly verdicts: Verdicts | undefined;
  readonly error: unknown;
  readonly again: () => void;
};

/** `isWanted`: false for people who may not see proofs. */
export const useProof = ({ id = "", entries }: TransactionJson, isWanted: boolean): Proof => {
  const [state, setState] = useState<Pick<Proof, "verdicts" | "error">>({ verdicts: undefined, error: undefined });
  const [round, setRound] = useState(0);
  const shown = entries.map(({ index }) => index).join();
  useEffect(() => {
    if (!isWanted) return undefined;
    const controller = new AbortController();
    const { signal } = controller;
    void (async () => {
      try {
        const proofs = await get<EntryProofs>(`/api/flows/${encodeURIComponent(id)}/proofs`, undefined, signal);
        const verdicts = await checkProofs(proofs, entries);
        if (!signal.aborted) setState({ verdicts, error: undefined });
      } catch (error) {
        if (!signal.aborted) setState({ verdicts: undefined, error });
      }
    })();
    return () => controller.abort();
  }, [id, shown, isWanted, round]);
  return { ...state, again: () => setRound((before) => before + 1) };
};

const LINE_MARKS: Readonly<Record<LineVerdict, Mark>> = {
  proved: "good",
  unchecked: "unknown",
  uncovered: "none",
  differs: "bad",
  pathless: "bad",
  elsewhere: "bad",
  unsigned: "bad",
};

export const LineProof = ({ verdict }: { readonly verdict: LineVerdict | undefined }) =>
  verdict === undefined ? null : (
    <p class="line-proof">
      <Verdict mark={LINE_MARKS[verdict]}>{S.flow.proof.line[verdict]}</Verdict>
    </p>
  );

const SIGNATURE_MARKS: Readonly<Record<SignatureVerdict, Mark>> = {
  valid: "good",
  invalid: "bad",
  unknown: "bad",
  unchecked: "unknown",
};

export const ProofSummary = ({ verdicts, error, again }: Proof) => (
  <div class="proof" role="status">
    {error !== undefined && (
      <p class="muted">{error instanceof NoCryptography ? S.flow.proof.noCryptography : S.flow.proof.failed}</p>
    )}
    {error === undefined && !verdicts && <p class="muted">{S.flow.proof.checking}</p>}
    {verdicts?.checkpoint === "unreadable" && <Verdict mark="bad">{S.flow.proof.unreadable}</Verdict>}
    {typeof verdicts?.checkpoint === "object" && <Signed {...verdicts.checkpoint} />}
    {(verdicts?.lines.some(({ verdict }) => verdict !== "proved") || error !== undefined) && (
      <button type="button" class="quiet" onClick={again}>
        {S.flow.proof.again}
      </button>
    )}
  </div>
);

type SignedProps = Exclude<Verdicts["checkpoint"], "unreadable" | undefined>;

const Signed = ({ size, signature, signer = "" }: SignedProps) => (
  <>
    <p>
      {S.flow.proof.checkpoint(size)}:{" "}
      <Verdict mark={SIGNATURE_MARKS[signature]}>{S.flow.proof.signature[signature](signer)}</Verdict>
    </p>
    <p class="muted">{S.flow.proof.compare}</p>
  </>
);
