/** Settings for all charts of a page, kept in the address: the length of a step, and tables in place of charts. */
import { address, setQuery, type Address } from "../../router.ts";
import { S } from "../../strings.ts";

type Query = Address["query"];

const STEPS = ["10", "60", "300"] as const;
type Step = (typeof STEPS)[number];
/** A minute: of few requests, shorter steps show little but chance. */
const USUAL: Step = "60";

export const stepOf = ({ step }: Query): Step => STEPS.find((each) => each === step) ?? USUAL;

export const isTableView = ({ view }: Query): boolean => view === "tables";

export const toggleTables = (): void => setQuery({ view: isTableView(address.peek().query) ? undefined : "tables" });

export const ChartTools = () => {
  const { query } = address.value;
  const isTables = isTableView(query);
  return (
    <div class="chart-tools">
      <label>
        {S.chart.step}{" "}
        <select
          value={stepOf(query)}
          onChange={({ currentTarget: { value } }) => setQuery({ step: value === USUAL ? undefined : value })}
        >
          {STEPS.map((step) => (
            <option key={step} value={step}>
              {S.chart.steps[step]}
            </option>
          ))}
        </select>
      </label>
      <button type="button" aria-pressed={isTables} onClick={toggleTables}>
        {S.chart.allAsTable}
      </button>
    </div>
  );
};
