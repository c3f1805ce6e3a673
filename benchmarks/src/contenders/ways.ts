/** What the calls of ways-of-calling say, the same for all contenders. */
export const FIELDS = { accept: 'application/json', 'x-request-id': '0123456789abcdef' };
export const QUERY = { page: 2, sort: 'name', q: 'two words' };
