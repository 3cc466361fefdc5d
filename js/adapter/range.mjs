export const range = () => ({ skipped: 'not yet' });
