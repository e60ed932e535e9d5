/** What was with OCS on the lane while a request waited for it. */
import type { TransactionJson } from "../../../journal/search/to-json.ts";
import { Masked } from "../../parts/masked.tsx";
import { S } from "../../strings.ts";
import { spanOf } from "../../time.ts";
import { actionOf, subjectOf } from "../flows/row-text.ts";

/** `request`: null for requests of tenants that the person may not see. */
export type Holders = readonly { readonly request: TransactionJson | null; readonly ms: number | null }[];

/** `hasLane`: false for a request that got none; it waited for all of them. */
type Props = { readonly holders: Holders; readonly hasLane: boolean };

export const WaitedFor = ({ holders, hasLane }: Props) => (
  <div class="waited-for">
    <h3>{S.flow.waitedFor[hasLane ? "lane" : "any"]}</h3>
    {holders.length === 0 ? (
      <p class="muted">{S.flow.waitedForNothing}</p>
    ) : (
      <ul class="related">
        {holders.map(({ request, ms }) => (
          <li key={request?.id ?? ""}>
            {request ? <Holder flow={request} /> : S.flow.otherTenant}
            {ms !== null && <span class="muted number"> {S.flow.held(spanOf(ms))}</span>}
          </li>
        ))}
      </ul>
    )}
  </div>
);

const Holder = ({ flow }: { readonly flow: TransactionJson }) => (
  <>
    {flow.tenant?.name}{" "}
    <a href={`/flows/${flow.id ?? ""}`}>
      {actionOf(flow)} <Masked text={subjectOf(flow)} />
    </a>
  </>
);
