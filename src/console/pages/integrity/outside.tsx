/** Evidence on other machines: checkpoint sinks, witnesses, and a time stamping authority. */
import type { Integrity } from "../../../admin/api/evidence/integrity.ts";
import { whole } from "../../parts/data/numbers.ts";
import { PlainTable } from "../../parts/data/plain-table.tsx";
import { Verdict, type Mark } from "../../parts/data/verdict.tsx";
import { S } from "../../strings.ts";

type Props = { readonly integrity: Pick<Integrity, "sinks" | "witnesses" | "quorum" | "timestamp"> };
type Row = { readonly name: string; readonly mark: Mark; readonly says: string };

export const Outside = ({ integrity }: Props) => {
  const rows = rowsOf(integrity);
  return (
    <section class="evidence-part" aria-labelledby="outside">
      <h2 id="outside">{S.integrity.outside}</h2>
      {rows.length === 0 ? (
        <p>{S.integrity.nobody}</p>
      ) : (
        <PlainTable caption={S.integrity.outside} head={[S.integrity.what, S.integrity.stateOf]}>
          {rows.map(({ name, mark, says }) => (
            <tr key={name}>
              <th scope="row" class="wide">
                {name}
              </th>
              <td>
                <Verdict mark={mark}>{says}</Verdict>
              </td>
            </tr>
          ))}
        </PlainTable>
      )}
    </section>
  );
};

const rowsOf = ({ sinks, witnesses, quorum, timestamp }: Props["integrity"]): Row[] => [
  ...sinks.map(({ name, arrives, waiting }) => ({
    name: S.integrity.sink(name),
    mark: arrives === null ? ("none" as const) : arrives ? ("good" as const) : ("bad" as const),
    says: [
      S.integrity.arrives[arrives === null ? "unknown" : arrives ? "yes" : "no"],
      ...(waiting > 0 ? [S.integrity.waiting(waiting)] : []),
    ].join(", "),
  })),
  ...witnesses.map(({ witness, size, trouble }) => ({
    name: S.integrity.witness(witness),
    mark: trouble !== null ? ("bad" as const) : size > 0 ? ("good" as const) : ("none" as const),
    says: trouble ?? (size > 0 ? S.integrity.cosigned(whole(size)) : S.integrity.notYet),
  })),
  ...(quorum ? [quorumRow(quorum)] : []),
  ...(timestamp
    ? [
        {
          name: S.integrity.authority(timestamp.url),
          mark:
            timestamp.trouble !== null
              ? ("bad" as const)
              : timestamp.size === null
                ? ("none" as const)
                : ("good" as const),
          says:
            timestamp.trouble ??
            (timestamp.size === null ? S.integrity.notYet : S.integrity.stamped(whole(timestamp.size))),
        },
      ]
    : []),
];

const quorumRow = ({ needed, met }: NonNullable<Integrity["quorum"]>): Row => ({
  name: S.integrity.quorumName,
  mark: met ? "good" : "bad",
  says: S.integrity.quorum(needed, met),
});
