-- Events of the host's own carry what the host says of them.
ALTER TABLE donjon_webhook_events ADD COLUMN payload TEXT;

-- What is under way is counted without walking what arrived.
CREATE INDEX donjon_webhook_deliveries_leased ON donjon_webhook_deliveries (endpoint_id, leased_until)
    WHERE leased_until IS NOT NULL;
