package consumer

// CountBuried counts a message that the source has buried by itself, or with an error could not bury.
func (c *Consumer) CountBuried(err error) {
	if err != nil {
		c.metrics.unsettled.Add(1)
		return
	}
	c.metrics.settled[buried].Inc()
}
