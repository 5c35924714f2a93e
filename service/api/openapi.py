def describe(app):
    pass
