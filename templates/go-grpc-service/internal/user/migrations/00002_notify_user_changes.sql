-- +goose Up
-- Tells every replica of every change. A payload must be shorter than 8000 bytes: the bounds of the columns keep it below 4000.
-- +goose StatementBegin
CREATE FUNCTION notify_user_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('user_changes', json_build_object('operation', TG_OP, 'user', coalesce(NEW, OLD))::text);
    RETURN NULL;
END
$$;
-- +goose StatementEnd

CREATE TRIGGER users_notify AFTER INSERT OR UPDATE OR DELETE ON users
FOR EACH ROW EXECUTE FUNCTION notify_user_change();

-- +goose Down
DROP TRIGGER users_notify ON users;
DROP FUNCTION notify_user_change;
