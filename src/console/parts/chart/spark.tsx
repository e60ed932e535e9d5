/** A line without axes beside a number that says the same; hidden from screen readers. */

type Props = { readonly values: readonly number[] };

const [WIDTH, HEIGHT] = [88, 20];

export const Spark = ({ values }: Props) => {
  const most = Math.max(...values, 0);
  const x = (place: number): string => ((place * WIDTH) / Math.max(1, values.length - 1)).toFixed(1);
  const y = (value: number): string => (HEIGHT - 1.5 - (value * (HEIGHT - 3)) / (most || 1)).toFixed(1);
  return (
    <svg
      class={most === 0 ? "spark spark-flat" : "spark"}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      width={WIDTH}
      height={HEIGHT}
      aria-hidden="true"
    >
      <path
        d={values.map((value, place) => `${place === 0 ? "M" : "L"}${x(place)} ${y(value)}`).join("")}
        fill="none"
        stroke="currentColor"
        stroke-width="1.5"
        stroke-linejoin="round"
      />
    </svg>
  );
};
