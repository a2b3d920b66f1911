// What is made for a key is made once, and kept while it is among those that were asked for last.

export class Kept<T> {
  private readonly made = new Map<string, Promise<T>>()

  constructor(
    private readonly make: (key: string) => Promise<T>,
    private readonly most: number,
  ) {}

  get(key: string): Promise<T> {
    const found = this.made.get(key) ?? this.make(key)
    this.made.delete(key)
    this.made.set(key, found)
    found.catch(() => this.made.get(key) === found && this.made.delete(key))
    if (this.made.size > this.most) this.made.delete(this.made.keys().next().value!)
    return found
  }
}
