// Counted things, by the language's rules.
const format = new Intl.NumberFormat('en');
const rules = new Intl.PluralRules('en');

export const number = (count) => format.format(count);
export const many = (count, one, other) => `${format.format(count)} ${rules.select(count) === 'one' ? one : other}`;
