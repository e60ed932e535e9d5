/** The values of a chart as a table, the newest first. */
import { S } from "../../strings.ts";
import type { Line } from "./plot.ts";
import { clockOf, valueOf } from "./values.ts";

type Props = {
  readonly title: string;
  readonly times: readonly number[];
  readonly lines: readonly Line[];
  readonly format: (value: number) => string;
};

export const ChartTable = ({ title, times, lines, format }: Props) => (
  <div class="chart-table" role="group" tabIndex={0} aria-label={S.chart.table(title)}>
    <table class="plain-table">
      <caption class="visually-hidden">{title}</caption>
      <thead>
        <tr>
          <th scope="col">{S.chart.time}</th>
          {lines.map(({ label }) => (
            <th key={label} scope="col" class="right">
              {label}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {times
          .map((time, place) => (
            <tr key={time}>
              <th scope="row" class="number">
                {clockOf(time)}
              </th>
              {lines.map(({ label, values }) => (
                <td key={label} class="number right">
                  {valueOf(values[place], format)}
                </td>
              ))}
            </tr>
          ))
          .toReversed()}
      </tbody>
    </table>
  </div>
);
