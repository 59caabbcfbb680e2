/** The mean of numbers, with so many digits after the point. */
export const mean = (values: readonly number[], digits = 0): string =>
  (values.reduce((sum, each) => sum + each, 0) / values.length).toFixed(digits);
