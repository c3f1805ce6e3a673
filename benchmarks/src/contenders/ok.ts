/** For libraries that leave it to the caller to look at the status. */
export function checkStatus(status: number): void {
  if (status < 200 || status > 299) throw new Error(`status ${status}`);
}
